"""LiteLLM counts a prompt before it chooses a deployment: no picture of a caller's is fetched or walked through for it."""

from __future__ import annotations

import base64
import time
from typing import Any

import pytest
from aigw_node.litellm import pictures


@pytest.fixture
def counter(monkeypatch: pytest.MonkeyPatch) -> Any:
    from litellm.litellm_core_utils import token_counter

    def fetch(client: object, url: str, **_: object) -> object:
        raise AssertionError(f"{url} was fetched")

    monkeypatch.setattr(token_counter, "get_image_dimensions", token_counter.get_image_dimensions)  # undone at the end
    monkeypatch.setattr(token_counter, "safe_get", fetch)
    pictures.install()
    pictures.install()
    return token_counter


def picture(url: str) -> list[Any]:
    part = {"type": "image_url", "image_url": {"url": url, "detail": "high"}}
    return [{"role": "user", "content": [part]}]


def test_a_picture_is_counted_without_a_look_at_it(counter: Any) -> None:
    walk = "data:image/jpeg;base64," + base64.b64encode(b"\xff\xd8\xff\xe0\x00\x02" + bytes(16 << 20)).decode()
    begun = time.process_time()
    counted = {counter.token_counter(messages=picture(url)) for url in ("https://slow.example.com/a.png", walk)}
    assert len(counted) == 1
    assert counted.pop() > 85
    assert time.process_time() - begun < 1


async def test_the_router_counts_so(counter: Any) -> None:
    from litellm import Router

    parameters = {"model": "openai/gpt-4o", "api_key": "none", "api_base": "http://127.0.0.1:9"}
    listed: list[Any] = [{"model_name": "m", "litellm_params": parameters, "model_info": {"id": "m-1"}}]
    router = Router(model_list=listed, enable_pre_call_checks=True)
    messages = picture("https://slow.example.com/a.png")
    assert await router._acount_pre_call_check_tokens("m", listed, messages, None, {}) > 85
