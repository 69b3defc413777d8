"""The settings of a project (beehave.toml): its daemons' command lines, durations, families and proof."""

from __future__ import annotations

import difflib
import json
import re
import shlex
import signal
import sys
import tomllib
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Annotated, Any, TypeVar

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError

from beehave.errors import HarnessError

Model = TypeVar("Model", bound=BaseModel)

SETTINGS_FILE = "beehave.toml"
START_UP_MS = 30_000
"""Default time until a daemon is ready: enough for a Python process on a busy machine."""
STOP_MS = 10_000
"""Default time until a daemon has ended: what most supervisors grant before SIGKILL."""
READY_FORMS = re.compile(r"/.*|port|log: *\S.*|file: *\S.*")


def _known_ready(text: str) -> str:
    if not READY_FORMS.fullmatch(text):
        raise ValueError("expected a path like /health, `port`, `log: TEXT` or `file: PATH`")
    return text


def _known_exit(status: int | str) -> int | str:
    if isinstance(status, str) and status not in signal.Signals.__members__:
        raise ValueError("expected an exit status, or the name of a signal like SIGTERM")
    return status


def _table(value: Any) -> Any:
    if not isinstance(value, dict):
        raise ValueError("expected a table")  # noqa: TRY004 - pydantic takes a ValueError for a finding
    return value


class DaemonSettings(BaseModel):
    """How daemons of one role are started, when they are ready, and what counts as an orderly end."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    command: list[str] = Field(min_length=1)
    """Its command line as a list of words. `{python}` is this interpreter; `{host}`, `{port}`, `{name}`, `{folder}`
    (the scenario's own) and `{config}` (the file that the project wrote for it) are filled in at the start."""
    ready: Annotated[str, AfterValidator(_known_ready)] = "port"
    """When it is ready. `/path`: that path answers 200, and where the answer has a `pid` it is that of the process or
    of a child. `port`: one of them listens on its port. `log: TEXT`: TEXT is in its log since its start. `file: PATH`:
    there is such a file (below `{folder}` where it is relative), made or changed since its start."""
    exits: list[Annotated[int | str, AfterValidator(_known_exit)]] = [0]
    """The exit statuses of an orderly end; the name of a signal stands for an end by that signal."""
    environment: dict[str, str] = {}
    """Environment variables, added to those of behave; filled in like the command. Those of behave that begin with the
    name of a role in capitals (`WEB_`) are left out."""
    port: int = Field(default=8000, gt=0, lt=65536)
    """What `{port}` is in a network of the run's own; elsewhere it is a free one."""
    start_up_ms: int = Field(default=START_UP_MS, gt=0)
    """How long it may take to be ready, in milliseconds."""
    stop_ms: int = Field(default=STOP_MS, gt=0)
    """How long it may take to end after SIGTERM, in milliseconds; then it is killed, and the scenario fails."""

    @property
    def exit_statuses(self) -> frozenset[int]:
        """The orderly exit statuses in the form of `subprocess`: negative for a signal."""
        return frozenset(-signal.Signals[each] if isinstance(each, str) else each for each in self.exits)


class ProofSettings(BaseModel):
    """The `[proof]` table: what `beehave prove` needs to know of a project."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    catalog: list[str] = []
    """Command that prints the seeded bugs as JSON."""
    launcher: list[str] = []
    """Command that becomes a daemon, or a run of behave, with one seed planted; `{seed}` and `{role}` are filled in."""
    null: list[str] = []
    """Command that becomes a daemon which answers 200 `{}` to everything; `{role}` is filled in."""
    silent: list[str] = []
    """Command that becomes a daemon which freezes when it is ready; `{role}` is filled in."""
    judged: list[str] = ["steps", "features"]
    """The folders whose code and features a verdict depends on: when they change, a proof is stale."""
    seeded_durations: dict[str, int] = {}
    """Durations of the runs against seeds, where many waits are in vain."""
    stand_in_durations: dict[str, int] = {}
    """Durations of the runs against stand-ins."""
    quiet: list[str] = []
    """Families that measure times: they run alone."""
    own: str = ""
    """The family about the harness itself, which cannot fail on a stand-in for a daemon."""
    required: list[str] = []
    """The families of which every `Then` must have been red in a whole proof."""

    def command(self, name: str, purpose: str) -> list[str]:
        """Return one of the commands.

        Raises:
            HarnessError: the project has none of it; the message has its purpose.
        """
        command: list[str] = getattr(self, name)
        if not command:
            raise HarnessError(f"[proof] of {SETTINGS_FILE} has no `{name}`: a command that {purpose}")
        return command


class Settings(BaseModel):
    """All settings of beehave.toml."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    daemons: dict[str, DaemonSettings] = {}
    durations: Annotated[Any, AfterValidator(_table)] = {}
    """The project's own durations, validated by the model that its world names; a plain table where it names none."""
    families: dict[str, str] = {}
    """By family, the feature file or the folder of features that belongs to it."""
    proof: ProofSettings = ProofSettings()

    def role(self, name: str) -> DaemonSettings:
        """Return the settings of a role.

        Raises:
            HarnessError: beehave.toml has none of that name.
        """
        if name not in self.daemons:
            raise HarnessError(f"no [daemons.{name}] in {SETTINGS_FILE}; {_nearest(name, self.daemons)}")
        return self.daemons[name]


def load_settings(folder: Path, userdata: Mapping[str, str], *, durations: type[BaseModel] | None = None) -> Settings:
    """Read beehave.toml in `folder`, or the file of `-D config=`; `-D daemon.ROLE=` and the like override values.

    Args:
        folder: the project's.
        userdata: what behave was given by `-D`.
        durations: the model of the `[durations]` table, where the project has one.

    Raises:
        HarnessError: the file is missing or wrong; the message names each wrong key with the value expected and found.
    """
    path = folder / userdata.get("config", SETTINGS_FILE)
    tables = read_tables(path)
    _validated(Settings, tables, path.name)  # so that what is laid over it meets tables
    _lay_over(tables, path.name, userdata)
    settings = _validated(Settings, tables, path.name)
    if durations is None:
        return settings
    own = _validated(durations, tables.get("durations", {}), path.name, "durations")
    return settings.model_copy(update={"durations": own})


def _validated(model: type[Model], tables: dict[str, Any], file: str, *below: str) -> Model:
    try:
        return model.model_validate(tables)
    except ValidationError as error:
        wrong = [((*below, *item["loc"]), item) for item in error.errors()]
        problems = "; ".join(f"{'.'.join(map(str, place))}: {_problem(place, item)}" for place, item in wrong)
        raise HarnessError(f"{file}: {problems}") from error


def _lay_over(tables: dict[str, Any], file: str, userdata: Mapping[str, str]) -> None:
    """Write what behave was given by `-D` into the tables of a settings file."""
    for key, value in userdata.items():
        table, _, name = key.partition(".")
        if table == "daemon":
            daemons = tables.get("daemons", {})
            if name not in daemons:
                raise HarnessError(f"-D {key}: {file} has no [daemons.{name}]; {_nearest(name, daemons)}")
            daemons[name]["command"] = shlex.split(value)
        elif table == "durations" and name:
            tables.setdefault("durations", {})[name] = value


def _nearest(name: str, names: Iterable[str]) -> str:
    """Return a hint for the wrong `name`: the most similar one, or all that there are."""
    near = difflib.get_close_matches(name, names, n=1)
    return f"did you mean: {near[0]}?" if near else f"there is: {', '.join(names) or 'none'}"


def _problem(place: tuple[int | str, ...], item: Any) -> str:
    """Return one error of pydantic as a message about the settings file."""
    match place:
        case (str(key),) if item["type"] == "extra_forbidden":
            return f"no such table; {_nearest(key, Settings.model_fields)}"
        case ("daemons", _, str(key)) if item["type"] == "extra_forbidden":
            return f"no such key; {_nearest(key, DaemonSettings.model_fields)}"
        case ("proof", str(key)) if item["type"] == "extra_forbidden":
            return f"no such key; {_nearest(key, ProofSettings.model_fields)}"
        case ("daemons", _, "command") if isinstance(item["input"], str):
            return f"write it as a list of words: {json.dumps(shlex.split(item['input']))}"
    return f"{item['msg']}, got {item['input']!r}"


def read_tables(path: Path) -> dict[str, Any]:
    """Return the tables of a settings file without validation.

    Raises:
        HarnessError: the file does not exist, or is not TOML.
    """
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise HarnessError(
            f"no settings file {path.name} in {path.parent}: name another by -D config=FILE, or write one, such as\n"
            '[daemons.web]\ncommand = ["{python}", "-m", "http.server", "{port}", "--bind", "{host}"]\n'
            'ready = "/"\nexits = ["SIGTERM"]'
        ) from error
    except tomllib.TOMLDecodeError as error:
        raise HarnessError(f"{path.name} is not TOML: {error}") from error


def filled_in(words: list[str], **values: str) -> list[str]:
    """Return a command line with `{python}` and the given names filled in; any other braces stay as they are."""
    values = {"python": sys.executable} | values
    pattern = re.compile("|".join(re.escape(f"{{{name}}}") for name in values))
    return [pattern.sub(lambda match: values[match[0][1:-1]], word) for word in words]
