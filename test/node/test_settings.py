"""Limits of the front in settings.json; the other fields are tested where they are used."""

from __future__ import annotations

from typing import Any

import pytest
from aigw_node.errors import NodeError

from support import settings


def test_what_is_not_said_is_the_default() -> None:
    plain = settings()
    assert (plain.max_request_mib, plain.max_waiting, plain.cache_shared) == (32, 100, False)


def test_what_is_said_holds() -> None:
    said = settings(limits={"maxRequestMib": 512, "maxWaiting": 1}, cacheShared=True)
    assert (said.max_request_mib, said.max_waiting, said.cache_shared) == (512, 1, True)


@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        ({"limits": {"maxRequestMib": 0}}, r"limits\.maxRequestMib must be at least 1, not 0"),
        ({"limits": {"maxWaiting": -1}}, r"limits\.maxWaiting must be at least 1, not -1"),
        ({"limits": {"maxRequestMib": "32"}}, r"limits\.maxRequestMib must be a int, not str"),
        ({"limits": {"maxRequestMib": True}}, r"limits\.maxRequestMib must be a int, not bool"),
        ({"cacheShared": "yes"}, r"cacheShared must be a bool, not str"),
    ],
)
def test_what_is_wrong_is_named(changes: dict[str, Any], problem: str) -> None:
    with pytest.raises(NodeError, match=problem):
        settings(**changes)
