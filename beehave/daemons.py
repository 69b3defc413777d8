"""The daemons of one scenario, of any role: started by their command lines, awaited until ready, ended in order."""

from __future__ import annotations

import json
import signal
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from beehave.addresses import Address, AddressBook
from beehave.conditions import eventually
from beehave.errors import HarnessError
from beehave.http import Answer, Client
from beehave.identity import descendants
from beehave.journal import Journal
from beehave.machine.cgroups import RunGroup
from beehave.net.links import KernelLink, Link, ProxyLink
from beehave.process.listeners import listeners_of
from beehave.process.table import ManagedProcess, ProcessTable, environment_for_children
from beehave.settings import DaemonSettings, Settings, filled_in

IS_READY = "is ready as pid"
"""Part of the message about a daemon that never became ready: such a failure does not judge its behaviour."""
HEALTH_TIMEOUT_S = 2.0
"""Timeout of one readiness request."""


@dataclass
class Daemon:
    """One daemon: its place, how it is started, and the process that runs it now."""

    role: str
    name: str
    address: Address
    settings: DaemonSettings
    argv: list[str]
    process: ManagedProcess
    client: Client
    config: dict[str, Any] = field(default_factory=dict)
    """What its configuration file says, where the project wrote one."""
    instance: str | None = None
    """The `instance` of its readiness answer, where that has one: another process has another one."""


@dataclass
class Daemons:
    """The daemons of one scenario: starts them, waits until they are ready, ends them."""

    settings: Settings
    journal: Journal
    folder: Path
    """The scenario's own, for configurations, logs and data; kept when the scenario fails."""
    shared_folder: Path
    """Shared by the scenarios of a run; removed when the run ends."""
    addresses: AddressBook
    processes: ProcessTable
    memory_group: RunGroup = field(default_factory=RunGroup)
    """Parent of the control groups of this run, so that the census sees what is left."""
    userdata: Mapping[str, str] = field(default_factory=dict)
    """What behave was given by `-D`."""
    private_network: bool = False
    launchers: dict[str, list[str]] = field(default_factory=dict)
    """By role, a prefix of the command line: a program that changes its own settings and then executes the daemon."""
    start_bound_s: float | None = None
    """How long each may take to be ready, in place of the `start_up_ms` of its role."""
    stop_bound_s: float | None = None
    """How long each may take to end, in place of the `stop_ms` of its role."""
    _dialling: Mapping[str, str] = field(default_factory=dict)
    _all: dict[str, Daemon] = field(default_factory=dict)

    def all(self, role: str | None = None) -> list[Daemon]:
        """Return the daemons, of one role if it is given, in the order of their first start."""
        return [daemon for daemon in self._all.values() if role in {None, daemon.role}]

    def daemon(self, name: str) -> Daemon:
        """Return a daemon by its name.

        Raises:
            HarnessError: there is none of that name.
        """
        if name not in self._all:
            have = ", ".join(self._all) or "none"
            raise HarnessError(f"no daemon called {name!r} in this scenario; there is: {have}")
        return self._all[name]

    def command(self, role: str, **values: str) -> list[str]:
        """Return the command line of a role, with the given names filled in."""
        return filled_in(self.settings.role(role).command, **values)

    def start(self, role: str, name: str | None = None) -> Daemon:
        """Start a daemon and wait until it is ready.

        Raises:
            HarnessError: its command cannot be executed.
            AssertionError: it was not ready in time, or it died; with its last log lines.
        """
        daemon = self.spawn(role, name)
        self.wait_until_up(daemon.name)
        return daemon

    def spawn(
        self,
        role: str,
        name: str | None = None,
        *,
        address: Address | None = None,
        arguments: Sequence[str] = (),
        config: Mapping[str, Any] | None = None,
        config_path: Path | None = None,
    ) -> Daemon:
        """Start a daemon; `wait_until_up` waits for it.

        Args:
            role: as in beehave.toml.
            name: what it is called in messages and files; by default as its role.
            address: where it is to listen; by default on a node of its own, at its role's port.
            arguments: put behind its command line.
            config: what its configuration file contains, kept for later look-ups.
            config_path: that file, for `{config}` in its command line.

        Raises:
            HarnessError: its command cannot be executed.
        """
        name = name or role
        settings = self.settings.role(role)
        address = address or self.addresses.named(name, settings.port)
        values = {"host": address.host, "port": str(address.port), "name": name, "folder": str(self.folder)}
        argv = [*self.command(role, **values, config=str(config_path or "")), *arguments]
        return self._launch(role, name, address=address, settings=settings, argv=argv, config=dict(config or {}))

    def spawn_helper(
        self, role: str, name: str, argv: Sequence[str], *, address: Address, ready: str = "port"
    ) -> Daemon:
        """Start a program of the harness itself, such as a proxy or a fake, as one of the daemons."""
        settings = DaemonSettings(command=list(argv), ready=ready)
        return self._launch(role, name, address=address, settings=settings, argv=list(argv), config={})

    def restart(self, name: str) -> Daemon:
        """Start a daemon again after it has ended: same command line, same address, same files.

        Raises:
            HarnessError: it still runs.
        """
        old = self.daemon(name)
        if old.process.alive():
            raise HarnessError(f"{name} still runs; end it before it is started again")
        old.client.close()
        return self._launch(
            old.role, name, address=old.address, settings=old.settings, argv=old.argv, config=old.config
        )

    def wait_until_up(self, *names: str) -> None:
        """Wait until each named daemon (all, when none is named) is ready, as the process that was just started.

        Raises:
            AssertionError: one was not within its `start_up_ms`, or it died; with its last log lines.
        """
        for name in names or tuple(self._all):
            self._wait_until_ready(self.daemon(name))

    def end(self, name: str, number: signal.Signals, *, why: str) -> None:
        """End a daemon by SIGKILL or another signal, and wait until it has ended.

        Raises:
            AssertionError: it did not end in time, or its exit status is not an orderly one.
        """
        process = self.daemon(name).process
        if number == signal.SIGKILL:
            self.processes.kill(process, why=why)
            return
        process.signal(number, why=why)
        status = process.wait(self.stop_all_bound_s)
        assert status in process.exits, f"{name} was asked to end by {number.name}: {process.describe()}"

    @property
    def stop_all_bound_s(self) -> float:
        """How long an orderly end of all may take, in seconds: that of the slowest, since they end in parallel."""
        if self.stop_bound_s is not None:
            return self.stop_bound_s
        return max((daemon.settings.stop_ms / 1000 for daemon in self._all.values()), default=0.0)

    def spawn_proxy(self, dialling: Mapping[str, str]) -> None:
        """Start the forward proxy that daemons started from now on dial through.

        Args:
            dialling: the host of each daemon that dials others, by its name.
        """
        self._dialling = dict(dialling)
        address = self.addresses.proxy()
        path = self.folder / "proxy.json"
        path.parent.mkdir(parents=True, exist_ok=True)
        control_port = self.addresses.proxy_control().port
        config = {"host": address.host, "port": address.port, "control_port": control_port, "names": self._dialling}
        path.write_text(json.dumps(config), encoding="utf-8")
        command = [sys.executable, "-m", "beehave.net.proxy", "--config", str(path)]
        self.spawn_helper("proxy", "proxy", command, address=address, ready="/health")

    def new_link(self) -> Link:
        """Return the way in which the links between these daemons can be broken."""
        if not self._dialling:
            return KernelLink()
        return ProxyLink(self.addresses.proxy(), self.addresses.proxy_control(), self._dialling)

    def close(self) -> None:
        """Close the clients; the process table ends the processes."""
        for daemon in self._all.values():
            daemon.client.close()

    def _launch(
        self,
        role: str,
        name: str,
        *,
        address: Address,
        settings: DaemonSettings,
        argv: list[str],
        config: dict[str, Any],
    ) -> Daemon:
        process = self.processes.spawn(
            role,
            name,
            [*self.launchers.get(role, []), *argv],
            log_path=self.folder / f"{name}.log",
            env=self._environment(name, settings),
            exits=settings.exit_statuses,
        )
        client = Client(self.journal, address.url)
        self._all[name] = Daemon(role, name, address, settings, argv, process, client, config)
        return self._all[name]

    def _environment(self, name: str, settings: DaemonSettings) -> dict[str, str]:
        """Return the environment of a daemon; one that dials others is pointed at the proxy where there is one."""
        extra = dict(settings.environment)
        if name in self._dialling:
            proxy = self.addresses.proxy()
            url = f"http://{name}:x@{proxy.host}:{proxy.port}"
            extra |= {"HTTP_PROXY": url, "http_proxy": url}
        return environment_for_children(extra, roles=self.settings.daemons)

    def _wait_until_ready(self, daemon: Daemon) -> None:
        looks = {"/": self._answers, "port": self._listens, "log": self._has_logged, "file": self._has_made}
        ready = daemon.settings.ready
        look = looks["/" if ready.startswith("/") else ready.partition(":")[0]]
        eventually(
            self.journal,
            f"{daemon.name} {IS_READY} {daemon.process.pid} ({ready})",
            lambda: look(daemon, ready.partition(":")[2].strip()),
            lambda found: found is True,
            within_s=self.start_bound_s or daemon.settings.start_up_ms / 1000,
            impossible=lambda: None if daemon.process.alive() else daemon.process.describe(),
        )

    def _answers(self, daemon: Daemon, _: str) -> bool | Answer:
        answer = daemon.client.get(daemon.settings.ready, timeout_s=HEALTH_TIMEOUT_S)
        if answer.status != 200:
            return answer
        try:
            answered = json.loads(answer.text)
        except json.JSONDecodeError:
            answered = None
        if not isinstance(answered, dict) or "pid" not in answered:
            return self._listens(daemon, "") is True or answer
        daemon.instance = answered.get("instance")
        return answered["pid"] == daemon.process.pid or answer

    def _listens(self, daemon: Daemon, _: str) -> bool | str:
        pids = {daemon.process.pid, *(child.pid for child in descendants(daemon.process.pid))}
        ports = sorted({listener.port for listener in listeners_of(pids)})
        self.journal.observe("listeners", daemon=daemon.name, ports=ports)
        return daemon.address.port in ports or f"it listens on {ports or 'no port'}, not on {daemon.address.port}"

    def _has_logged(self, daemon: Daemon, text: str) -> bool | str:
        lines = daemon.process.log_lines(since=daemon.process.log_start)
        self.journal.observe("log", daemon=daemon.name, lines=len(lines))
        return any(text in line for line in lines) or f"{len(lines)} lines in its log, none with {text!r}"

    def _has_made(self, daemon: Daemon, path: str) -> bool | str:
        place = self.folder / filled_in([path], name=daemon.name, folder=str(self.folder))[0]
        self.journal.observe("file", path=str(place), there=place.exists())
        return place.exists() or f"no file {place}"
