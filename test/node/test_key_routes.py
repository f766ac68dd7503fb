"""A key opens what the front serves, and nothing else: asked of LiteLLM's own check."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
from aigw_node import desired
from aigw_node.front.routes import SPECS

ROUTES = [{"method": spec.method, "path": spec.path} for spec in SPECS]
DOCUMENT = {"version": 1, "routes": ROUTES, "groups": [], "agents": []}
OF_KEYS = desired.parse(json.dumps(DOCUMENT).encode()).routes
SHUT = ("/v1/files", "/v1/batches", "/v1/vector_stores", "/v1/conversations", "/v1/audio/translations", "/key/generate")


@pytest.fixture(scope="module")
def key() -> Any:
    from litellm.proxy._types import UserAPIKeyAuth

    return UserAPIKeyAuth(api_key="sk-test", allowed_routes=list(OF_KEYS))


@pytest.mark.parametrize("path", dict.fromkeys(spec.path for spec in SPECS))
def test_a_key_opens_each_route_of_the_front(key: Any, path: str) -> None:
    from litellm.proxy.auth.route_checks import RouteChecks

    asked = re.sub(r"\{\w+\}", "of-mine", path)
    assert RouteChecks.is_virtual_key_allowed_to_call_route(route=asked, valid_token=key)


@pytest.mark.parametrize("path", SHUT)
def test_a_key_opens_nothing_else(key: Any, path: str) -> None:
    from fastapi import HTTPException
    from litellm.proxy.auth.route_checks import RouteChecks

    with pytest.raises(HTTPException):
        RouteChecks.is_virtual_key_allowed_to_call_route(route=path, valid_token=key)


def test_names_of_paths_are_wildcards_at_the_end_each_once() -> None:
    assert [route for route in OF_KEYS if "{" in route or "*" in route] == ["/v1/models/*", "/v1/responses/*"]
    assert len(set(OF_KEYS)) == len(OF_KEYS)
