"""docs/parameters.md says of each parameter what parameters.json says."""

from __future__ import annotations

import re

import pytest
from aigw_node.front.parameters import FORBIDDEN, OPENABLE, TABLE
from aigw_node.front.routes import SPECS

from synthesized import PROJECT

PAGE = (PROJECT / "docs/parameters.md").read_text()
SECTIONS = dict(re.findall(r"^### (\S+)\n(.*?)(?=^### |\Z)", PAGE, re.MULTILINE | re.DOTALL))
# LiteLLM's prefixes, by the names of `providers`.
KINDS = {"azureOpenai": "azure", "openai-compatible": "hosted_vllm"}


def names(text: str) -> list[str]:
    return re.findall(r"`([^`]+)`", text)


def said(route: str) -> dict[str, object]:
    found: dict[str, object] = {}
    carried: dict[str, list[str]] = {}
    ids: dict[str, str] = {}
    for line in re.findall(r"^- (.*)$", SECTIONS[route], re.MULTILINE):
        head, listed = line.split(": ", 1)
        if head.startswith("Pass to"):
            carried |= {name: sorted(KINDS.get(kind, kind) for kind in names(head)) for name in names(listed)}
        elif head.startswith("Opened by"):
            ids |= {name: names(head)[0] for name in names(listed)}
        else:
            found[{"Pass": "pass", "Known, and dropped": "drop"}[head]] = names(listed)
    return {**found, **({"carry": carried} if carried else {}), **({"ids": ids} if ids else {})}


def test_the_routes_are_those_of_the_table() -> None:
    assert list(SECTIONS) == list(TABLE)


@pytest.mark.parametrize("route", TABLE)
def test_the_page_says_what_the_table_says(route: str) -> None:
    assert said(route) == TABLE[route]
    for spec in SPECS:
        assert spec.name != route or f"`{spec.method} {spec.path}`" in SECTIONS[route]


def test_the_page_names_what_never_passes_and_what_can_be_opened() -> None:
    listed = PAGE[PAGE.index("never pass;") : PAGE.index("## By route")]
    assert set(names(listed)) == FORBIDDEN
    assert re.findall(r"^\| `([a-z-]+)` +\|", PAGE, re.MULTILINE) == list(OPENABLE)
