"""What a caller can make LiteLLM fail on takes no deployment away from the others; what a provider fails on does."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from aigw_node.front.exchange import Exchange, enter, leave
from aigw_node.front.routes import SPECS
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


class _Forgetful(BaseHTTPRequestHandler):
    """A provider that has no stored response."""

    def do_GET(self) -> None:
        body = b'{"error": {"message": "not found", "type": "invalid_request_error", "param": "id", "code": null}}'
        self.send_response(404)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: Any) -> None:
        pass


@pytest.fixture
def forgetful() -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Forgetful)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}/v1"
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.mark.parametrize(("route", "rests"), [("/v1/responses/{response}", set()), ("/v1/chat/completions", {"m-1"})])
async def test_a_stored_response_that_is_gone_lets_nothing_rest(forgetful: str, route: str, rests: set[str]) -> None:
    from litellm import Router
    from litellm.responses.utils import ResponsesAPIRequestUtils
    from litellm.router_utils.cooldown_handlers import _async_get_cooldown_deployments

    parameters = {"model": "openai/gpt-4o", "api_key": "none", "api_base": forgetful}
    listed: list[Any] = [{"model_name": "m", "litellm_params": parameters, "model_info": {"id": "m-1"}}]
    router = Router(model_list=listed, num_retries=2, allowed_fails=3, cooldown_time=30)
    gone = ResponsesAPIRequestUtils._build_responses_api_response_id("openai", "m-1", "resp_gone")
    token = enter(Exchange("call", next(spec for spec in SPECS if spec.path == route)))
    try:
        for _ in range(6):
            with pytest.raises(Exception, match="not found"):
                await router.aget_responses(response_id=gone)
        await asyncio.sleep(0.05)
        assert set(await _async_get_cooldown_deployments(router, None)) == rests
    finally:
        leave(token)
