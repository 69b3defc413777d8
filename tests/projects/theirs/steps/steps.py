import signal
import subprocess

from behave import given, then, when


@given("a {role:w}")
def given_a_daemon(context, role):
    context.daemons.start(role)


@when("the {role:w} is ended and started again")
def when_it_is_ended(context, role):
    context.daemons.end(role, signal.SIGTERM, why="it is to start again")
    context.daemons.restart(role)
    context.daemons.wait_until_up(role)


@when("a step starts `{command}` and forgets it")
def when_a_process_is_left(context, command):
    subprocess.Popen(command.split())


@then("the {role:w} serves {path}")
def then_it_serves(context, role, path):
    answer = context.daemons.daemon(role).client.get(path)
    assert answer.status == 200, answer


@then("the {role:w} has said `{line}`")
def then_it_has_said(context, role, line):
    lines = context.daemons.daemon(role).log_lines()
    assert line in lines, lines
