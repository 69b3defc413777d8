"""Daemons of any role, as tiny inline programs: when they are ready, how they end, where they stand."""

from __future__ import annotations

import signal

import pytest

from beehave.errors import HarnessError
from beehave.journal import read
from beehave.settings import DaemonSettings

HTTP_SERVER = ["{python}", "-m", "http.server", "{port}", "--bind", "{host}"]
SLEEPER = "trap 'exit 0' TERM; {act}; while :; do sleep 0.02; done"
ANSWERING = """
import http.server, json, os, sys
class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200); self.end_headers(); self.wfile.write({body})
    def log_message(self, *_): pass
http.server.HTTPServer((sys.argv[1], int(sys.argv[2])), Handler).serve_forever()
"""


def shell(act: str, **settings: object) -> DaemonSettings:
    """Return a daemon in POSIX shell that acts and then waits for SIGTERM, on which it exits 0."""
    return DaemonSettings(command=["sh", "-c", SLEEPER.replace("{act}", act)], **settings)


def answering(body: str, **settings: object) -> DaemonSettings:
    """Return an HTTP server whose every answer is what `body` evaluates to, in bytes."""
    program = ANSWERING.replace("{body}", body)
    return DaemonSettings(
        command=["{python}", "-c", program, "{host}", "{port}"], ready="/", exits=["SIGTERM"], **settings
    )


@pytest.fixture
def start(make_daemons):
    return make_daemons


@pytest.mark.parametrize(
    "settings",
    [
        DaemonSettings(command=HTTP_SERVER, ready="/", exits=["SIGTERM"]),
        DaemonSettings(command=HTTP_SERVER, ready="port", exits=["SIGTERM"]),
        DaemonSettings(command=HTTP_SERVER, exits=["SIGTERM"]),
        answering("json.dumps({'pid': os.getpid(), 'instance': 'i-1'}).encode()"),
        answering("b'[1, 2]'"),
        shell("echo it is ready now", ready="log: is ready"),
        shell("touch {folder}/{name}.ready", ready="file: {name}.ready"),
        shell("touch {folder}/up", ready="file: {folder}/up"),
    ],
    ids=["path", "port", "default", "path with pid", "path with JSON", "log", "file", "absolute file"],
)
def test_each_way_of_being_ready(start, settings):
    daemons = start(web=settings)
    daemon = daemons.start("web")
    assert daemon.is_running()
    daemons.end("web", signal.SIGTERM, why="the test ends it")
    assert not daemon.is_running()
    assert daemons.processes.unexpected_deaths() == []


def test_a_child_of_the_command_may_be_the_one_that_answers(start):
    program = answering("json.dumps({'pid': os.getpid()}).encode()").command[2]
    wrapped = """trap 'kill $child; exit 0' TERM; "$0" "$@" & child=$!; wait"""
    command = ["sh", "-c", wrapped, "{python}", "-c", program, "{host}", "{port}"]
    daemons = start(web=DaemonSettings(command=command, ready="/"))
    daemon = daemons.start("web")
    assert daemon.client.get("/").json["pid"] != daemon.process.pid
    daemons.end("web", signal.SIGTERM, why="the test ends it")
    assert daemon.client.get("/").status is None


def test_the_answer_of_another_process_is_not_its_own(start):
    daemons = start(web=answering("b'{\"pid\": 1}'", start_up_ms=600))
    with pytest.raises(AssertionError, match=r"web is ready as pid \d+ \(/\): not within .*(?s:.*)another process"):
        daemons.start("web")


def test_one_that_dies_first_is_named_with_its_last_lines(start):
    daemons = start(web=DaemonSettings(command=["sh", "-c", "echo no such option; exit 3"]))
    with pytest.raises(AssertionError, match=r"can no longer happen(?s:.*)exited 3(?s:.*)no such option"):
        daemons.start("web")


def test_one_that_listens_elsewhere_is_told_what_it_lacks(start):
    daemons = start(web=shell("echo up", start_up_ms=100))
    with pytest.raises(AssertionError, match=r"no port, not on \d+: its command line .* is to hand on \{host\}"):
        daemons.start("web")


def test_a_line_or_file_of_an_earlier_process_shows_nothing(start):
    first_time = "test -e {folder}/was || { touch {folder}/was; echo ready; touch {folder}/up; }"
    for ready, lacking in (("log: ready", "none with 'ready'"), ("file: up", "from before its start")):
        daemons = start(web=shell(first_time, ready=ready, start_up_ms=300))
        daemons.start("web")
        daemons.end("web", signal.SIGKILL, why="the test kills it")
        daemons.restart("web")
        with pytest.raises(AssertionError, match=lacking):
            daemons.wait_until_up("web")
        daemons.processes.stop_all(5)
        (daemons.folder / "was").unlink()


def test_a_command_that_cannot_be_executed_is_refused(start):
    with pytest.raises(HarnessError, match=r"cannot start web web: No such file .*beehave.toml"):
        start(web=DaemonSettings(command=["/no/such/program"])).start("web")


@pytest.mark.parametrize(
    ("act", "exits", "problem"),
    [
        ("trap - TERM", ["SIGTERM"], None),
        ("trap 'exit 7' TERM", [0, 7], None),
        ("trap - TERM", [0], "was ended by SIGTERM"),
        ("trap 'exit 7' TERM", [0, "SIGTERM"], "exited 7"),
    ],
)
def test_an_orderly_end_is_what_its_settings_say(start, act, exits, problem):
    daemons = start(web=shell(f"{act}; echo ready", ready="log: ready", exits=exits))
    daemons.start("web")
    if problem is None:
        daemons.end("web", signal.SIGTERM, why="the test ends it")
    else:
        with pytest.raises(AssertionError, match=f"web was asked to end by SIGTERM: .*{problem}"):
            daemons.end("web", signal.SIGTERM, why="the test ends it")
    daemons.restart("web")
    daemons.wait_until_up("web")
    told = daemons.processes.stop_all(5)
    assert [problem in each for each in told] == ([True] if problem else [])


def test_one_that_ignores_its_end_is_named(start):
    daemons = start(web=shell("trap '' TERM; echo ready", ready="log: ready", stop_ms=200))
    daemons.start("web")
    with pytest.raises(AssertionError, match=r"web did not end within 0\.2 s of SIGTERM"):
        daemons.end("web", signal.SIGTERM, why="the test ends it")


def test_one_that_died_by_itself_cannot_be_ended_and_is_told_at_the_end(start):
    daemons = start(web=DaemonSettings(command=["sh", "-c", "echo ready; sleep 0.1"], ready="log: ready"))
    daemon = daemons.start("web")
    daemon.process.wait(5)
    with pytest.raises(AssertionError, match=r"web cannot be ended by SIGTERM, it has ended before: .*exited 0"):
        daemons.end("web", signal.SIGTERM, why="the test ends it")
    assert len(daemons.processes.unexpected_deaths()) == 1


def test_started_again_it_is_another_process_at_the_same_address(start):
    daemons = start(web=DaemonSettings(command=HTTP_SERVER, ready="/", exits=["SIGTERM"]))
    before = daemons.start("web")
    with pytest.raises(HarnessError, match="web still runs: end it before it is started again"):
        daemons.restart("web")
    with pytest.raises(HarnessError, match="web still runs.*another name"):
        daemons.spawn("web")
    daemons.end("web", signal.SIGTERM, why="the test ends it")
    daemons.restart("web")
    daemons.wait_until_up()
    after = daemons.daemon("web")
    assert (after.address, after.argv) == (before.address, before.argv)
    assert after.process.pid != before.process.pid


def test_several_of_a_role_have_names_and_addresses_of_their_own(start):
    web = DaemonSettings(command=HTTP_SERVER, exits=["SIGTERM"])
    daemons = start(web=web, other=shell("echo ready", ready="log: r"))
    for role, name in (("web", "one"), ("web", "two"), ("other", None)):
        daemons.spawn(role, name)
    daemons.wait_until_up()
    assert [daemon.name for daemon in daemons.all()] == ["one", "two", "other"]
    assert [daemon.name for daemon in daemons.all("web")] == ["one", "two"]
    assert len({daemon.address for daemon in daemons.all()}) == 3
    with pytest.raises(HarnessError, match="no daemon called 'three' in this scenario; there is: one, two, other"):
        daemons.daemon("three")


def test_a_role_that_nobody_wrote_down_is_refused(start):
    with pytest.raises(HarnessError, match=r"no \[daemons.webb\] in beehave.toml; did you mean: web\?"):
        start(web=shell("echo"), other=shell("echo")).start("webb")
    with pytest.raises(HarnessError, match=r"no \[daemons.web\] in beehave.toml; there is: none"):
        start().start("web")


def test_its_environment_has_its_place_filled_in(start, monkeypatch):
    monkeypatch.setenv("WEB_PORT", "1")
    monkeypatch.setenv("KEPT", "2")
    daemons = start(
        web=shell("echo $WEB_PORT $KEPT $WHERE", ready="log: 2", environment={"WHERE": "{host}:{port} {name} {folder}"})
    )
    daemon = daemons.start("web")
    assert daemon.log_lines() == [f"2 {daemon.address.host}:{daemon.address.port} web {daemons.folder}"]


def test_what_a_daemon_is_asked_is_observed(start):
    daemons = start(web=shell("echo ready", ready="log: ready"))
    daemon = daemons.start("web")
    before = daemons.journal.observations
    daemon.is_running()
    daemon.log_lines()
    assert daemons.journal.observations == before + 2
    assert [each["daemon"] for each in read(daemons.journal.path)[-2:]] == ["web", "web"]
