"""Steps that end a run in every way."""

import os
import sys
import time
from pathlib import Path

from behave import given, then, when
from daemon_starter import start_daemon

LONG_S = 8
"""Many times what a signal takes, and not for ever: a run that ignores one ends, and is judged by how it ended."""


@given("a daemon that nobody ends")
def given_a_daemon_that_nobody_ends(context):
    start_daemon(context, "double-fork", "ignore-term")


@given("a daemon that the scenario ends")
def given_a_daemon_that_the_scenario_ends(context):
    context.daemon = start_daemon(context, "ignore-term")
    context.add_cleanup(context.daemon.kill)


@given("a cleanup that writes a line")
def given_a_cleanup_that_writes_a_line(context):
    context.add_cleanup(write_line, "cleaned up")


@given("a cleanup that takes long")
def given_a_cleanup_that_takes_long(context):
    context.add_cleanup(write_line, "cleaned up")
    context.add_cleanup(time.sleep, LONG_S)
    context.add_cleanup(write_line, "cleaning up")


@given("a line is written")
def given_a_line_is_written(context):
    write_line("the next scenario ran")


@when("a step fails")
def when_a_step_fails(context):
    raise AssertionError("this is the failing step")


@when("a step calls sys.exit")
def when_a_step_calls_sys_exit(context):
    sys.exit(0)


@when("a step calls os._exit")
def when_a_step_calls_os_exit(context):
    os._exit(0)


@when("a step waits")
def when_a_step_waits(context):
    write_line("waiting")
    time.sleep(LONG_S)


@when("a step waits a little")
def when_a_step_waits_a_little(context):
    write_line("printing")
    time.sleep(0.2)


@then("the daemon is alive")
def then_the_daemon_is_alive(context):
    context.session.journal.observe("daemon", pid=context.daemon.pid)
    assert context.daemon.alive(), context.daemon


def write_line(line):
    with Path("lines.txt").open("a") as file:
        file.write(line + "\n")
