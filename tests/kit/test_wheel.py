"""The wheel that users of the kit install: nothing of this project is in it but the kit."""

from __future__ import annotations

import configparser
import re
import sys
import zipfile

import pytest

from beehave.child.installed import build_wheel


@pytest.fixture(scope="module")
def wheel(pytestconfig, tmp_path_factory):
    with zipfile.ZipFile(build_wheel(pytestconfig.rootpath, tmp_path_factory.mktemp("wheel"))) as archive:
        yield archive


def test_the_kit_is_its_only_top_level_name(wheel):
    (metadata,) = {name.partition("/")[0] for name in wheel.namelist()} - {"beehave"}
    assert re.fullmatch(r"beehave-[\d.]+\.dist-info", metadata)
    assert wheel.read(f"{metadata}/top_level.txt").decode().split() == ["beehave"]
    scripts = configparser.ConfigParser()
    scripts.read_string(wheel.read(f"{metadata}/entry_points.txt").decode())
    assert dict(scripts["console_scripts"]) == {"beehave": "beehave.cli:main"}


def test_all_of_the_kit_is_in_it(wheel, pytestconfig):
    kit = pytestconfig.rootpath / "beehave"
    files = {
        path.relative_to(kit.parent).as_posix()
        for path in kit.rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }
    assert {"beehave/py.typed", "beehave/report/report.html.j2", "beehave/proof/proof.html.j2"} <= files
    assert files == {name for name in wheel.namelist() if name.startswith("beehave/")}


def test_it_asks_for_what_the_kit_imports_and_no_more(wheel):
    (metadata,) = (name for name in wheel.namelist() if name.endswith("METADATA"))
    required = re.findall(r"^Requires-Dist: ([\w-]+)(.*)", wheel.read(metadata).decode(), re.MULTILINE)
    always = {name for name, condition in required if "extra ==" not in condition}
    modules = {"hdrhistogram": "hdrh"}
    imported = {
        word
        for name in wheel.namelist()
        if name.endswith(".py")
        for word in re.findall(r"^ *(?:from|import) (\w+)", wheel.read(name).decode(), re.MULTILINE)
    }
    assert {modules.get(name, name) for name in always} == imported - sys.stdlib_module_names - {"beehave", "uvloop"}
