"""Configuration of the daemons: TOML < environment < flags, validated as a whole, every error at once.

Models are frozen and read nothing from the environment by themselves (a test can build one); `ConfigSource.load` reads
and merges the three sources, at start-up and again at SIGHUP. pydantic-settings' own sources do not fit: its parser of
flags stops at the first error, and neither says which source a value came from.
"""

from __future__ import annotations

import difflib
import json
import tomllib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Generic, Literal, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError
from pydantic_settings import (
    BaseSettings,
    EnvSettingsSource,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    SettingsError,
)

from daemons.common.durations import Durations
from daemons.common.exits import ExitStatus, FatalError

_SHOWN_VALUE_CHARACTERS = 40


class Section(BaseModel):
    """A section of a configuration: frozen, and without room for unknown keys."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Listen(Section):
    """Where a daemon listens. Port 0 lets the kernel choose."""

    host: str = "127.0.0.1"
    port: int = Field(default=0, ge=0, le=65535)


class Log(Section):
    """What a daemon logs."""

    level: Literal["debug", "info", "warning", "error"] = "info"


class DaemonConfig(BaseSettings):
    """The configuration that all three daemons have. Subclasses set `env_prefix` and their own default of `listen`."""

    model_config = SettingsConfigDict(frozen=True, extra="forbid", env_nested_delimiter="__")

    listen: Listen = Listen()
    log: Log = Log()
    durations: Durations = Durations()

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],  # noqa: ARG003 the signature is pydantic-settings'
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,  # noqa: ARG003
        dotenv_settings: PydanticBaseSettingsSource,  # noqa: ARG003
        file_secret_settings: PydanticBaseSettingsSource,  # noqa: ARG003
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Use only what is passed in: `ConfigSource` merges the sources, and knows which value came from where."""
        return (init_settings,)


Config = TypeVar("Config", bound=DaemonConfig)


class ConfigError(FatalError):
    """An invalid configuration: one line with every error. It ends a start (2), never a running daemon."""

    def __init__(self, problems: Sequence[str]) -> None:
        count = "1 error" if len(problems) == 1 else f"{len(problems)} errors"
        super().__init__(ExitStatus.USAGE, f"bad configuration ({count}): {'; '.join(problems)}")
        self.problems = list(problems)


@dataclass(frozen=True)
class _Layer:
    """The values of one source, nested as the model is, and the source's name in messages."""

    name: str
    values: Mapping[str, Any]

    def has(self, path: tuple[str, ...]) -> bool:
        value: Any = self.values
        for key in path:
            if not isinstance(value, Mapping) or key not in value:
                return False
            value = value[key]
        return True


class ConfigSource(Generic[Config]):
    """Where the configuration of one daemon comes from: its flags, its environment, and the file that they name.

    Args:
        model: the configuration's class.
        argv: the flags, without the program's name: `--config FILE` and `--section.key VALUE` for any key.
    """

    def __init__(self, model: type[Config], argv: Sequence[str]) -> None:
        self._model = model
        self._flags, self.path = _parse_flags(argv)

    def load(self) -> Config:
        """Read all sources again.

        Raises:
            ConfigError: with every error at once.
        """
        layers = [_Layer("flag", self._flags), _Layer("environment", self._environment())]
        if self.path is not None:
            layers.append(_Layer(self.path.name, _read_toml(self.path)))
        merged: dict[str, Any] = {}
        for layer in reversed(layers):
            _merge(merged, layer.values)
        try:
            return self._model(**merged)
        except ValidationError as error:
            raise ConfigError([_describe(self._model, dict(e), layers) for e in error.errors()]) from None

    def _environment(self) -> dict[str, Any]:
        try:
            return EnvSettingsSource(self._model)()
        except SettingsError as error:
            raise ConfigError([f"environment: {error}"]) from None


def changed_keys(old: DaemonConfig, new: DaemonConfig) -> list[str]:
    """Return the dotted keys whose values differ, sorted."""
    before, after = dict(_leaves(old.model_dump(mode="json"))), dict(_leaves(new.model_dump(mode="json")))
    return sorted(key for key in before.keys() | after.keys() if before.get(key) != after.get(key))


def with_values(old: Config, new: DaemonConfig, keys: Iterable[str]) -> Config:
    """Return the old configuration with the new values of some dotted keys, as it is after a partial reload."""
    merged, source = old.model_dump(), new.model_dump()
    for key in keys:
        *parents, last = key.split(".")
        into, value = merged, source
        for parent in parents:
            into, value = into[parent], value[parent]
        into[last] = value[last]
    return type(old)(**merged)


def _leaves(values: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    for key, value in values.items():
        if isinstance(value, Mapping):
            yield from _leaves(value, f"{prefix}{key}.")
        else:
            yield f"{prefix}{key}", value


def _parse_flags(argv: Sequence[str]) -> tuple[dict[str, Any], Path | None]:
    values: dict[str, Any] = {}
    path: Path | None = None
    problems: list[str] = []
    words = iter(argv)
    for word in words:
        if not word.startswith("--"):
            problems.append(f"unexpected argument {word!r}: flags are --config FILE and --section.key VALUE")
            continue
        key, equals, value = word[2:].partition("=")
        if not equals:
            try:
                value = next(words)
            except StopIteration:
                problems.append(f"--{key}: a value is missing")
                continue
        if key == "config":
            path = Path(value)
        else:
            _merge(values, _nest(key, value))
    if problems:
        raise ConfigError(problems)
    return values, path


def _nest(dotted: str, value: str) -> dict[str, Any]:
    *parents, last = dotted.split(".")
    nested: dict[str, Any] = {last: _parse_value(value)}
    for parent in reversed(parents):
        nested = {parent: nested}
    return nested


def _parse_value(text: str) -> Any:
    """Return a flag's value: a list from a JSON array, else the text, which pydantic converts."""
    if text.startswith("["):
        try:
            return json.loads(text)
        except ValueError:
            return text
    return text


def _read_toml(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ConfigError([f"{path}: cannot be read: {error.strerror}; check --config"]) from None
    except UnicodeDecodeError:
        raise ConfigError([f"{path}: is not UTF-8 text"]) from None
    except tomllib.TOMLDecodeError as error:
        raise ConfigError([f"{path}: is not valid TOML: {error}"]) from None


def _merge(into: dict[str, Any], values: Mapping[str, Any]) -> None:
    for key, value in values.items():
        below = into.get(key)
        if isinstance(below, dict) and isinstance(value, Mapping):
            _merge(below, value)
        elif isinstance(value, Mapping):
            into[key] = {}
            _merge(into[key], value)
        else:
            into[key] = value


def _describe(model: type[DaemonConfig], error: Mapping[str, Any], layers: Sequence[_Layer]) -> str:
    """Return one error as text: key, what was expected, what came instead, and from where."""
    path = tuple(str(part) for part in error["loc"])
    key = ".".join(path) or "configuration"
    origin = next((layer.name for layer in layers if layer.has(path)), None)
    came_from = f" ({origin})" if origin and path else ""
    if error["type"] == "missing":
        return f"{key}: is missing"
    if error["type"] == "extra_forbidden":
        near = difflib.get_close_matches(key, list(known_keys(model)), n=1)
        return f"{key}: unknown key{came_from}" + (f", did you mean {near[0]}?" if near else "")
    message = str(error["msg"]).removeprefix("Value error, ").removeprefix("Input ")
    if isinstance(error["input"], BaseModel | Mapping):
        return f"{key}: {message}{came_from}"
    return f"{key}: {message}, got {_shorten(error['input'])}{came_from}"


def _shorten(value: object) -> str:
    text = repr(value)
    return text if len(text) <= _SHOWN_VALUE_CHARACTERS else f"{text[:_SHOWN_VALUE_CHARACTERS]}…"


def known_keys(model: type[BaseModel], prefix: str = "") -> Iterator[str]:
    """Yield every dotted key of a configuration class."""
    for name, field in model.model_fields.items():
        annotation = field.annotation
        if isinstance(annotation, type) and issubclass(annotation, BaseModel):
            yield from known_keys(annotation, f"{prefix}{name}.")
        else:
            yield f"{prefix}{name}"
