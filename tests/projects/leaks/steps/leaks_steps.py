"""Steps that leave something behind."""

import fcntl
import socket
import tempfile
from pathlib import Path

import psutil
from behave import given, when
from daemon_starter import start_daemon

from beehave.sandbox import kernel

held = []
daemons = []  # Popen reaps a dead child when it is collected, and a zombie would be gone before the census


@given('a daemon that does "{habits}"')
def given_a_daemon_that_does_habits(context, habits):
    daemons.append(start_daemon(context, *habits.split()))


@given("a daemon that locks a file of the run")
def given_a_daemon_that_locks_a_file_of_the_run(context):
    start_daemon(context, f"lock={context.session.run_folder / 'locked'}")


@given("a listening socket")
def given_a_listening_socket(context):
    held.append(socket.create_server(("127.0.0.1", 0)))


@given("a locked file of the run")
def given_a_locked_file_of_the_run(context):
    held.append((context.session.run_folder / "locked").open("w"))
    fcntl.flock(held[-1], fcntl.LOCK_EX)


@given("a temporary folder")
def given_a_temporary_folder(context):
    tempfile.mkdtemp()


@given("a mounted file system")
def given_a_mounted_file_system(context):
    folder = context.session.run_folder / "mounted"
    folder.mkdir()
    kernel.mount_tmpfs(folder, size_bytes=4096)


@given("nothing is left of an earlier scenario")
def given_nothing_is_left_of_an_earlier_scenario(context):
    marker = context.config.userdata["marker"]
    alive = [process for process in psutil.process_iter(["cmdline"]) if marker in (process.info["cmdline"] or [])]
    assert not alive, alive
    assert not [c for c in psutil.Process().net_connections() if c.status == psutil.CONN_LISTEN]
    with (context.session.run_folder / "locked").open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    assert not list(Path(tempfile.gettempdir()).iterdir())


@when("a step fails")
def when_a_step_fails(context):
    raise AssertionError("this is the failing step")
