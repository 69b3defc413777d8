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
from beehave.daemon import Daemon, state_of
from beehave.errors import HarnessError
from beehave.http import Client
from beehave.journal import Journal
from beehave.machine.cgroups import RunGroup
from beehave.net.links import KernelLink, Link, ProxyLink
from beehave.process.table import ProcessTable, environment_for_children
from beehave.settings import DaemonSettings, Settings, filled_in

IS_READY = "is ready as pid"
"""Part of the message about a daemon that never became ready: such a failure does not judge its behaviour."""


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
            HarnessError: its command cannot be executed, or a daemon of that name still runs.
        """
        name = name or role
        if name in self._all:
            self._refuse_running(self._all[name])
        settings = self.settings.role(role)
        address = address or self.addresses.named(name, settings.port)
        argv = [*self.command(role, **self._values(name, address), config=str(config_path or "")), *arguments]
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
        self._refuse_running(old)
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
            AssertionError: it had ended before, did not end within its `stop_ms`, or not in order.
        """
        daemon = self.daemon(name)
        process = daemon.process
        assert process.alive(), f"{name} cannot be ended by {number.name}, it has ended before: {process.describe()}"
        if number == signal.SIGKILL:
            self.processes.kill(process, why=why)
            return
        process.signal(number, why=why)
        bound_s = self.stop_bound_s or daemon.settings.stop_ms / 1000
        status = process.wait(bound_s)
        assert status is not None, f"{name} did not end within {bound_s:.1f} s of {number.name}: {process.describe()}"
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
        ready_file = self._ready_file(name, address, settings)
        left_before = state_of(ready_file)
        process = self.processes.spawn(
            role,
            name,
            [*self.launchers.get(role, []), *argv],
            log_path=self.folder / f"{name}.log",
            env=self._environment(name, address, settings),
            exits=settings.exit_statuses,
        )
        if name in self._all:
            self._all[name].client.close()
        client = Client(self.journal, address.url)
        daemon = Daemon(role, name, address, settings, argv, process, client, config, ready_file, left_before)
        self._all[name] = daemon
        return daemon

    def _ready_file(self, name: str, address: Address, settings: DaemonSettings) -> Path | None:
        if not settings.ready.startswith("file:"):
            return None
        path = settings.ready.removeprefix("file:").strip()
        return self.folder / filled_in([path], **self._values(name, address))[0]

    @staticmethod
    def _refuse_running(daemon: Daemon) -> None:
        if daemon.process.alive():
            raise HarnessError(
                f"{daemon.name} still runs: end it before it is started again, or give the new one another name"
            )

    def _values(self, name: str, address: Address) -> dict[str, str]:
        """Return what is filled in where a daemon's settings say `{host}` and so on."""
        return {"host": address.host, "port": str(address.port), "name": name, "folder": str(self.folder)}

    def _environment(self, name: str, address: Address, settings: DaemonSettings) -> dict[str, str]:
        """Return the environment of a daemon; one that dials others is pointed at the proxy where there is one."""
        words = filled_in(list(settings.environment.values()), **self._values(name, address))
        extra = dict(zip(settings.environment, words, strict=True))
        if name in self._dialling:
            proxy = self.addresses.proxy()
            url = f"http://{name}:x@{proxy.host}:{proxy.port}"
            extra |= {"HTTP_PROXY": url, "http_proxy": url}
        return environment_for_children(extra, roles=self.settings.daemons)

    def _wait_until_ready(self, daemon: Daemon) -> None:
        eventually(
            self.journal,
            f"{daemon.name} {IS_READY} {daemon.process.pid} ({daemon.settings.ready})",
            daemon.unready,
            lambda missing: missing is None,
            within_s=self.start_bound_s or daemon.settings.start_up_ms / 1000,
            impossible=lambda: None if daemon.process.alive() else daemon.process.describe(),
        )
