"""docs/node.md names every file, module and variable of a node."""

from __future__ import annotations

import re

import pytest
from aigw_node import environment
from aigw_node.secrets import Snapshot

from conftest import FILES
from support import settings
from synthesized import PROJECT

PAGE = (PROJECT / "docs/node.md").read_text()
BUILT = environment.build(
    settings(redis={"host": "redis.internal"}), Snapshot({"LITELLM_MASTER_KEY": "x", "LITELLM_SALT_KEY": "x"}, {}, "x", "x")
)
FILE_NAMES = [path.name for path in FILES.iterdir() if path.is_file() and path.suffix not in {".md", ".in"}]
MODULES = [path.name for path in (FILES / "aigw_node").glob("*.py") if path.name != "__init__.py"]
IN_UNITS = re.findall(
    r"^Environment=(\w+)=", "".join((FILES / name).read_text() for name in FILE_NAMES if "service" in name), re.M
)
IN_INSTALL = re.findall(r"\bAIGW_\w+", (FILES / "install.sh").read_text())


@pytest.mark.parametrize("name", sorted({*FILE_NAMES, *MODULES, *BUILT, *IN_UNITS, *IN_INSTALL, "CONFIG_FILE_PATH"}))
def test_the_page_names(name: str) -> None:
    assert f"{name}`" in PAGE or f"/{name}" in PAGE


@pytest.mark.parametrize("folder", re.findall(r"/(?:opt|var/lib)/aigw[\w-]*", PAGE))
def test_the_folders_of_the_page_are_those_of_the_program(folder: str) -> None:
    programs = "".join(path.read_text() for path in FILES.iterdir() if path.is_file() and path.suffix != ".json")
    user_data = (PROJECT / "src/node/user-data.ts").read_text()
    assert folder in programs + user_data


SHOWN = re.findall(r"`(test/[^`]*)`", (PROJECT / "docs/security.md").read_text())


@pytest.mark.parametrize("path", sorted(set(SHOWN)))
def test_each_test_that_the_security_page_names_is_there(path: str) -> None:
    _, choice, _ = (*re.split(r"\{(.*)\}", path), "", "")[:3]
    for name in choice.split(",") if choice else [""]:
        assert list(PROJECT.glob(re.sub(r"\{.*\}", name, path)))
