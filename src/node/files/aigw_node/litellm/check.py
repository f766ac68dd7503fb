"""Are LiteLLM, Prisma and uvicorn as the seam needs them? All that is missing is told at once."""

from __future__ import annotations

import importlib
import inspect
from collections.abc import Iterable
from typing import Any

from aigw_node.errors import NodeError
from aigw_node.litellm.needs import NEEDS, Need


def missing(needs: Iterable[Need]) -> list[str]:
    return [f"{need.name} ({problem})" for need in needs if (problem := _problem(need))]


def check(needs: Iterable[Need] = NEEDS) -> None:
    if problems := missing(needs):
        raise NodeError(f"this release of LiteLLM, Prisma or uvicorn is not supported. It lacks: {', '.join(problems)}")


def _problem(need: Need) -> str | None:
    module, _, path = need.name.partition(":")
    try:
        found: Any = importlib.import_module(module)
        for part in path.split("."):
            found = getattr(found, part)
    except (ImportError, AttributeError):
        return "not there"
    lacking = [name for name in need.parameters or () if not _takes(found, name)]
    return f"takes no {', '.join(lacking)}" if lacking else None


def _takes(function: Any, name: str) -> bool:
    """By its name; `**more` takes every name, but is no promise."""
    found = inspect.signature(function).parameters.get(name)
    return found is not None and found.kind in (found.POSITIONAL_OR_KEYWORD, found.KEYWORD_ONLY)
