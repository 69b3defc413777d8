"""The journal, the TOML writer, the addresses and calls at once."""

from __future__ import annotations

import socket
import threading
import tomllib

import pytest

from beehave.addresses import AddressBook
from beehave.at_once import all_at_once
from beehave.errors import HarnessError
from beehave.journal import Journal, read
from beehave.toml_writer import write_toml


def test_a_half_written_last_line_does_not_hide_the_journal(tmp_path):
    journal = Journal(tmp_path / "j.ndjson")
    journal.record("note", text="grüße", path=tmp_path)
    journal.observe("answer", status=200)
    journal.close()
    with journal.path.open("a", encoding="utf-8") as file:
        file.write('{"sequence": 3, "ki')
    events = read(journal.path)
    assert [(event["sequence"], event["kind"]) for event in events] == [(1, "note"), (2, "observation")]
    assert events[0]["text"] == "grüße"
    assert (journal.observations, journal.checks) == (1, 0)


def test_many_threads_write_whole_lines(tmp_path):
    journal = Journal(tmp_path / "j.ndjson")
    threads = [threading.Thread(target=lambda: [journal.record("note", n=n) for n in range(50)]) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    journal.close()
    assert sorted(event["sequence"] for event in read(journal.path)) == list(range(1, 401))


def test_what_is_written_as_toml_is_read_back(tmp_path):
    tables = {
        "name": 'a "b" \\ ü\n',
        "count": 3,
        "on": True,
        "command": ["x", "y z"],
        "listen": {"host": "h", "port": 1},
    }
    write_toml(tmp_path / "x.toml", tables)
    assert tomllib.loads((tmp_path / "x.toml").read_text(encoding="utf-8")) == tables


def test_a_leased_port_is_the_runs_own_and_the_daemon_can_listen_there():
    book = AddressBook(private_network=False)
    address = book.address(0, 8080)
    assert book.address(0, 8080) == address
    with socket.socket() as other_run, pytest.raises(OSError, match="in use"):
        other_run.bind((address.host, address.port))
    with socket.socket() as daemon:
        daemon.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        daemon.bind((address.host, address.port))
        daemon.listen()
        socket.create_connection((address.host, address.port), timeout=2).close()
    with socket.socket() as client:
        assert client.connect_ex((address.host, address.port)) != 0  # the lease itself does not listen
    book.close()


def test_the_fleet_returns_results_in_order_and_says_when_each_was_sent(tmp_path):
    journal = Journal(tmp_path / "j.ndjson")
    assert all_at_once(journal, "ten", [lambda n=n: n * n for n in range(10)]) == [n * n for n in range(10)]
    journal.close()
    (event,) = read(journal.path)
    assert len(event["sent_after_first_ms"]) == 10
    assert max(event["sent_after_first_ms"].values()) < 1000


def test_the_fleet_raises_what_an_action_raised(tmp_path):
    journal = Journal(tmp_path / "j.ndjson")

    def fail() -> int:
        raise ValueError("no")

    with pytest.raises(ValueError, match="no"):
        all_at_once(journal, "two", [lambda: 1, fail])
    journal.close()


def test_the_fleet_does_not_wait_for_ever(tmp_path):
    journal = Journal(tmp_path / "j.ndjson")
    never = threading.Event()
    with pytest.raises(HarnessError, match="1 of 2 clients still wait after 0.1 s"):
        all_at_once(journal, "two", [lambda: True, lambda: never.wait(20)], within_s=0.1)
    never.set()
    journal.close()
