"""A virtual environment with nothing of a project but its installed wheel, as its users have it."""

from __future__ import annotations

import subprocess
import sys
import sysconfig
import venv
import zipfile
from pathlib import Path
from shutil import copytree, ignore_patterns

from beehave.errors import HarnessError

BUILD_BOUND_S = 60.0
"""Bound of the build, which takes 2 s, and several times that on a busy machine."""
BUILD = "import sys; from setuptools import build_meta; build_meta.build_wheel(sys.argv[1])"
NO_SOURCES = ignore_patterns(".*", "__pycache__", "*.egg-info", "build", "reports")
"""Content of a project's folder that is not part of the project."""


def installed_python(project: Path, folder: Path) -> Path:
    """Return the interpreter of an environment below `folder` with the wheel of a project; the first call makes it.

    Raises:
        HarnessError: the wheel cannot be built.
    """
    environment = folder / "environment"
    if not environment.is_dir():
        folder.mkdir(parents=True, exist_ok=True)
        environment_with(build_wheel(project, folder), environment)
    return environment / "bin" / "python"


def build_wheel(project: Path, folder: Path) -> Path:
    """Build the wheel of a project below `folder`, from a copy, and return it; no network is needed.

    Raises:
        HarnessError: it cannot be built; with the end of what the build printed.
    """
    sources = folder / "sources"
    copytree(project, sources, ignore=NO_SOURCES)  # setuptools leaves its own build/ behind, and takes up an old one
    built = subprocess.run(
        [sys.executable, "-c", BUILD, str(folder)],
        cwd=sources,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=BUILD_BOUND_S,
        check=False,
    )
    wheels = list(folder.glob("*.whl"))
    if built.returncode != 0 or not wheels:
        raise HarnessError(f"the wheel of {project} cannot be built: {(built.stdout + built.stderr)[-2000:]}")
    return wheels[0]


def environment_with(wheel: Path, folder: Path) -> None:
    """Make a virtual environment with a wheel in it.

    The wheel's dependencies are found in the packages of the running interpreter. An editable install there is not
    found, since it needs a `.pth` file, and these are read in the environment's own folder only.
    """
    venv.create(folder, symlinks=True)
    paths = {name: Path(path) for name, path in sysconfig.get_paths("venv", {"base": str(folder)}).items()}
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(paths["purelib"])  # what installing a wheel of nothing but modules comes to
    dependencies = [path for path in sys.path if Path(path).name in {"site-packages", "dist-packages"}]
    (paths["purelib"] / "dependencies.pth").write_text("\n".join(dependencies) + "\n", encoding="utf-8")
