"""What a caller can make LiteLLM fail on takes no deployment away from the others; what a provider fails on does."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from aigw_node.litellm import cooldowns

NOBODY = "http://127.0.0.1:9"


@pytest.fixture(autouse=True)
def installed(monkeypatch: pytest.MonkeyPatch) -> None:
    from litellm.router_utils import cooldown_handlers

    judge = cooldown_handlers._should_run_cooldown_logic
    monkeypatch.setattr(cooldown_handlers, "_should_run_cooldown_logic", judge)  # undone at the end
    cooldowns.install()
    cooldowns.install()


async def resting(model: str, **request: Any) -> set[str]:
    from litellm import Router
    from litellm.router_utils.cooldown_handlers import _async_get_cooldown_deployments

    parameters = {"model": model, "api_key": "none", "api_base": NOBODY, "api_version": "2024-10-21"}
    listed: list[Any] = [
        {"model_name": "m", "litellm_params": parameters, "model_info": {"id": f"m-{number}"}} for number in (1, 2)
    ]
    router = Router(model_list=listed, num_retries=2, allowed_fails=3, cooldown_time=30)
    for _ in range(6):
        with pytest.raises(Exception):  # noqa: B017 (any)
            await router.acompletion(model="m", **request)
    await asyncio.sleep(0.05)
    return set(await _async_get_cooldown_deployments(router, None))


def asked(part: Any) -> dict[str, Any]:
    return {"messages": [{"role": "user", "content": [part]}]}


@pytest.mark.parametrize(
    ("model", "request_"),
    [
        ("azure/gpt-4o", asked({"type": "image_url"})),
        ("azure/gpt-4o", asked({"type": "image_url", "image_url": 5})),
        ("azure/gpt-4o", asked({"type": "file", "file": 5})),
        ("openai/gpt-4o", {**asked({"type": "text", "text": "a"}), "user": "\ud800"}),
    ],
)
async def test_an_odd_request_lets_nothing_rest(model: str, request_: dict[str, Any]) -> None:
    assert await resting(model, **request_) == set()


@pytest.mark.parametrize("model", ["openai/gpt-4o", "anthropic/claude-sonnet-4-5"])
async def test_what_is_not_reached_rests(model: str) -> None:
    assert await resting(model, **asked({"type": "text", "text": "a"})) == {"m-1", "m-2"}
