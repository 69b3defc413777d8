"""Steps that end a run in every way."""

import os
import sys
import time
from pathlib import Path

from behave import given, then, when
from daemon_starter import start_daemon


@given("a daemon that nobody ends")
def step(context):
    start_daemon(context, "double-fork", "ignore-term")


@given("a daemon that the scenario ends")
def step(context):
    context.daemon = start_daemon(context, "ignore-term")
    context.add_cleanup(context.daemon.kill)


@given("a cleanup that writes a line")
def step(context):
    context.add_cleanup(write_line, "cleaned up")


@given("a cleanup that takes an hour")
def step(context):
    context.add_cleanup(write_line, "cleaned up")
    context.add_cleanup(time.sleep, 3600)
    context.add_cleanup(write_line, "cleaning up")


@given("a line is written")
def step(context):
    write_line("the next scenario ran")


@when("a step fails")
def step(context):
    raise AssertionError("this is the failing step")


@when("a step calls sys.exit")
def step(context):
    sys.exit(0)


@when("a step calls os._exit")
def step(context):
    os._exit(0)


@when("a step waits")
def step(context):
    write_line("waiting")
    time.sleep(3600)


@when("a step waits a little")
def step(context):
    write_line("printing")
    time.sleep(0.2)


@then("the daemon is alive")
def step(context):
    context.session.journal.observe("daemon", pid=context.daemon.pid)
    assert context.daemon.alive(), context.daemon


def write_line(line):
    with Path("lines.txt").open("a") as file:
        file.write(line + "\n")
