"""The parameters of the step sentences: `{count:Workers}` reads `1 worker` as well as `4 workers`."""

from __future__ import annotations

import signal

import parse
from behave import register_type

from beehave.faults.database import Damage


def _counted(noun: str) -> object:
    @parse.with_pattern(rf"(?:a|\d+) {noun}s?")
    def read(text: str) -> int:
        number = text.split(maxsplit=1)[0]
        return 1 if number == "a" else int(number)

    return read


ENDINGS = {"stopped": signal.SIGTERM, "killed": signal.SIGKILL}
"""The signal by which a daemon ends, by the word of a sentence."""


@parse.with_pattern("|".join(ENDINGS))
def _ending(text: str) -> str:
    return text


@parse.with_pattern(r"killed|sent SIGTERM|restarted through the API")
def _worker_ending(text: str) -> str:
    return text


@parse.with_pattern(r"non-streaming|streaming")
def _request_kind(text: str) -> str:
    return text


@parse.with_pattern(r"constant|poisson")
def _pace(text: str) -> str:
    return text


@parse.with_pattern(r"the queen and hive-\d+|hive-\d+ and its workers")
def _ends(text: str) -> str:
    return text


@parse.with_pattern(r"the queen|hive-\d+|its workers")
def _node(text: str) -> str:
    return text.removeprefix("the ")


@parse.with_pattern(r"hive-\d+")
def _hive_name(text: str) -> str:
    return text


@parse.with_pattern(r"available|suspect|unavailable")
def _hive_state(text: str) -> str:
    return text


@parse.with_pattern(r"still waits|has given up")
def _patience(text: str) -> str:
    return text


@parse.with_pattern("|".join(Damage))
def _damage(text: str) -> Damage:
    return Damage(text)


@parse.with_pattern(r"locked|on a full disk|read-only")
def _away(text: str) -> str:
    return text


@parse.with_pattern(r"queen|hive|worker")
def _role(text: str) -> str:
    return text


@parse.with_pattern(r"worker|generator")
def _paused(text: str) -> str:
    return text


@parse.with_pattern(r"3 probes|the idle time")
def _lasting(text: str) -> str:
    return text


_KEEPERS = {"its device": "device", "a control group": "cgroup", "the hive's watchdog": "watchdog"}


@parse.with_pattern("|".join(_KEEPERS))
def _memory_keeper(text: str) -> str:
    return _KEEPERS[text]


_SERVING = {"exactly": 1, "at most": 0}
"""Which part of a count is the least: `exactly 2` is from 2 to 2, `at most 2` from 0 to 2."""


@parse.with_pattern("|".join(_SERVING))
def _serving(text: str) -> int:
    return _SERVING[text]


_UNITS = {"MiB": 1024 * 1024, "GB": 1_000_000_000}


@parse.with_pattern(r"\d+ (?:MiB|GB)")
def _size(text: str) -> int:
    number, unit = text.split()
    return int(number) * _UNITS[unit]


@parse.with_pattern(r"with status \d+|by SIGKILL")
def _process_end(text: str) -> tuple[int | None, int | None]:
    how = text.rsplit(maxsplit=1)[-1]
    return (None, int(signal.SIGKILL)) if how == "SIGKILL" else (int(how), None)


register_type(
    MemoryKeeper=_memory_keeper,
    Serving=_serving,
    Size=_size,
    ProcessEnd=_process_end,
    Role=_role,
    Paused=_paused,
    Lasting=_lasting,
    Ends=_ends,
    Node=_node,
    HiveName=_hive_name,
    HiveState=_hive_state,
    Patience=_patience,
    Pace=_pace,
    Heartbeats=_counted("heartbeat"),
    Workers=_counted("worker"),
    Requests=_counted("request"),
    Hives=_counted("hive"),
    Damage=_damage,
    Away=_away,
    Ending=_ending,
    WorkerEnding=_worker_ending,
    RequestKind=_request_kind,
)
