"""Command lines that run behave with this interpreter, and the environment for them."""

from __future__ import annotations

import os
import sys
from pathlib import Path


def environment() -> dict[str, str]:
    """Return this process's environment with the interpreter's folder first on PATH."""
    folder = str(Path(sys.executable).parent)
    return os.environ | {"PATH": f"{folder}{os.pathsep}{os.environ.get('PATH', '')}"}


def behave_command(arguments: list[str], *, no_sandbox: bool, nightly: bool) -> list[str]:
    """Return the command line that runs behave with the user's arguments."""
    command = [sys.executable, "-m", "behave", *arguments]
    if no_sandbox:
        command += ["-D", "sandbox=off"]
    if nightly:
        command += ["--tags", "@nightly or not @nightly"]  # default_tags leaves the long ones out
    return command
