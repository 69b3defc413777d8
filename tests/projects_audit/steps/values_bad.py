"""Swallowed errors, sleeps, outcomes, literals, coroutines, kills."""

import asyncio
import contextlib
import os
import subprocess
import time
import time as clock
from asyncio import sleep as nap
from time import sleep

import psutil
from behave import given, then, when

from beehave.http import Client

ACCEPTED = {200, 503}
TIMEOUT_S = 5  # expect: literal-duration


def swallow(context):
    try:
        context.world.start_hives(1)
    except Exception as error:  # expect: swallowing-except
        print(error)


async def work():
    await nap(1)  # expect: sleep


@when("all errors are swallowed")
def when_swallowed(context):
    swallow(context)
    try:
        context.world.start_hives(1)
    except:  # expect: swallowing-except
        pass
    try:
        context.world.start_hives(1)
    except (ValueError, BaseException) as error:  # expect: swallowing-except
        if isinstance(error, KeyError):
            raise
    with contextlib.suppress(Exception):  # expect: swallowing-except
        context.world.start_hives(1)


@then("its own failure is swallowed")
def then_swallowed(context):  # expect: then-may-not-assert
    try:
        assert context.world.registry.queen_rows() == []
    except AssertionError:  # expect: swallowing-except
        print("well")


@when("it sleeps")
def when_sleeps(context):
    time.sleep(1)  # expect: sleep
    clock.sleep(1)  # expect: sleep
    sleep(1)  # expect: sleep
    context.world.start_hives(1)
    wait = time.sleep  # expect: sleep


@then("either will do")
def then_either(context):
    status = context.world.cluster.queen.client.get("/health").status
    assert status in (200, 500)  # expect: mixed-outcomes
    assert status in {201, 409}  # expect: mixed-outcomes
    assert status in ACCEPTED  # expect: mixed-outcomes
    assert status == 200 or status == 503  # expect: mixed-outcomes
    assert {status} <= {200, 404}  # expect: mixed-outcomes
    assert {status}.issubset([200, 404])  # expect: mixed-outcomes
    assert 200 <= status < 600  # expect: mixed-outcomes
    assert status < 500  # expect: mixed-outcomes
    assert status in range(200, 600)  # expect: mixed-outcomes
    verdict = context.world.bench.verdict(None)
    assert verdict in ("passed", "failed")  # expect: mixed-outcomes
    assert verdict in (True, False)  # expect: mixed-outcomes
    exit_status = context.world.bad_start.exit_status()
    assert exit_status in (0, 1)  # expect: mixed-outcomes


@then("a match takes both")
def then_match_both(context):
    answer = context.world.cluster.queen.client.get("/health")
    match answer.status:
        case 200 | 503:  # expect: mixed-outcomes
            assert answer.json
        case _:
            raise AssertionError(answer)


@given("numbers of one machine, at http://localhost:8080")
def given_numbers(context):
    client = Client(context.world.cluster.journal, "http://127.0.0.1:9200")  # expect: literal-port
    host = context.world.cluster.queen.address.host
    client = Client(context.world.cluster.journal, f"http://{host}:9200/v1")  # expect: literal-port
    client.get("/health", timeout=5)  # expect: literal-duration
    client.get("/health", timeout_s=2 * 60)  # expect: literal-duration
    client.post("/v1", {"port": 8080, "idle_ms": 50})  # expect: literal-port, literal-duration
    context.world.bench.send(1, seconds=TIMEOUT_S + 3)  # expect: literal-duration
    context.world.registry.connect(port=8080, pid=1234)  # expect: literal-port, literal-pid


@then("numbers of one run")
def then_numbers(context):
    (row,) = context.world.registry.queen_rows()
    assert row["pid"] == 1234  # expect: literal-pid
    assert 8080 == row["port"]  # expect: literal-port
    took_s = context.world.changes.seconds_until_gone()
    assert took_s < 2.5  # expect: literal-duration


@when("a coroutine is thrown away")
def when_thrown_away(context):
    work()  # expect: never-awaited
    _ = work()  # expect: never-awaited
    context.world.start_hives(1)


@when("everything of that name is killed")
def when_killed(context):
    subprocess.run(["pkill", "-9", "queen"], check=False)  # expect: kill-by-name
    subprocess.check_call("killall queen", shell=True)  # expect: kill-by-name
    os.system("kill -9 $(pgrep queen)")  # expect: kill-by-name
    os.system("kill -9 queen")  # expect: kill-by-name
    for process in psutil.process_iter():  # expect: kill-by-name
        if process.name() == "queen":
            process.kill()
