from __future__ import annotations

from typing import Any

import pytest
from aigw_node.guard import DOCUMENTED, FORBIDDEN, Guard


def request(body: dict[str, Any]) -> dict[str, Any]:
    """What LiteLLM makes of a body before it calls its callbacks."""
    return {
        **body,
        "proxy_server_request": {"url": "http://gateway/v1/chat/completions", "body": dict(body)},
        "secret_fields": {"raw_headers": {}},
        "litellm_call_id": "call-1",
        "litellm_logging_obj": object(),
        "metadata": {**body.get("metadata", {}), "user_api_key_hash": "h"},
    }


def cleaned(body: dict[str, Any], *extra: str) -> dict[str, Any]:
    data = request(body)
    Guard(extra).clean(data)
    return data


def test_documented_parameters_go_through() -> None:
    body = {name: "value" for name in DOCUMENTED if name != "metadata"}
    assert body.items() <= cleaned(body).items()


@pytest.mark.parametrize(
    "name", sorted(FORBIDDEN | {"unheard_of", "input_cost_per_token", "guardrails", "cache", "timeout"})
)
def test_all_else_is_taken_out(name: str) -> None:
    data = cleaned({"model": "m", name: "evil"})
    assert name not in data
    assert data["model"] == "m"


def test_what_litellm_added_stays() -> None:
    data = request({"model": "m"})
    data["user_api_key_team_id"] = "added"
    Guard().clean(data)
    assert {
        "proxy_server_request",
        "secret_fields",
        "litellm_call_id",
        "litellm_logging_obj",
        "user_api_key_team_id",
    } <= set(data)


def test_who_is_calling_stays_on_routes_with_a_metadata_of_their_own() -> None:
    data = request({"model": "m", "input": "x"})
    data["litellm_metadata"] = {"user_api_key_hash": "h"}
    data["proxy_server_request"]["body"]["litellm_metadata"] = data["litellm_metadata"]  # as LiteLLM remembers it
    assert Guard().clean(data) == []
    assert data["litellm_metadata"] == {"user_api_key_hash": "h"}


def test_a_user_may_let_more_through_but_never_a_credential() -> None:
    data = cleaned({"top_a": 1, "api_key": "evil"}, "top_a", "api_key")
    assert data["top_a"] == 1
    assert "api_key" not in data


def test_forbidden_ones_go_even_if_the_body_is_not_known() -> None:
    data: dict[str, Any] = {"model": "m", "api_key": "evil", "file": b"audio"}
    assert Guard().clean(data) == ["api_key"]
    assert data == {"model": "m", "file": b"audio"}


def test_metadata_keeps_what_is_the_callers() -> None:
    data = cleaned({"metadata": {"session": "s", "tags": ["t"], "guardrails": []}})
    assert data["metadata"] == {"session": "s", "user_api_key_hash": "h"}


def test_it_names_what_it_took() -> None:
    assert Guard().clean(request({"no-log": True, "model": "m", "metadata": {"tags": []}})) == ["no-log", "metadata.tags"]
