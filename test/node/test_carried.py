"""What is meant for some kinds of providers arrives there, as the real LiteLLM sends it."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from aigw_node.front.parameters import TABLE, add_carried
from aigw_node.front.routes import SPECS, Body

ROUTES = {spec.name: spec for spec in SPECS if spec.name in TABLE}
MESSAGES = [{"role": "user", "content": "x"}]
USAGE = {"prompt_tokens": 1, "completion_tokens": 1, "total_tokens": 2}
CALLS: dict[str, tuple[str, dict[str, Any]]] = {
    "chat": ("acompletion", {"messages": MESSAGES, "store": True}),
    "completions": ("atext_completion", {"prompt": "x"}),
    "embeddings": ("aembedding", {"input": "x", "encoding_format": "float"}),
    "responses": ("aresponses", {"input": "x"}),
    "messages": ("aanthropic_messages", {"messages": MESSAGES, "max_tokens": 10}),
    "images": ("aimage_generation", {"prompt": "x"}),
}
MODELS = {
    "openai": "gpt-4o",
    "azure": "gpt-4o",
    "anthropic": "claude-sonnet-4-5",
    "dashscope": "qwen-plus",
    "hosted_vllm": "some-model",
}
VALUES: dict[str, Any] = {
    "metadata": {"user_id": "u-1"},
    "cache_control": {"type": "ephemeral"},
    "context_management": {"edits": [{"type": "clear_tool_uses_20250919"}]},
    "chat_template_kwargs": {"enable_thinking": False},
    "compaction": {"type": "enabled"},
    "inference_geo": "us",
    "min_p": 0.1,
    "enable_thinking": True,
}
# Not tried here: Bedrock, whose requests are signed, and image edits, which are forms.
PAIRS = [
    (route, kind)
    for route, table in TABLE.items()
    for kind in sorted({kind for kinds in table.get("carry", {}).values() for kind in kinds} - {"bedrock"})
    if ROUTES[route].body is Body.JSON
]


class Provider(BaseHTTPRequestHandler):
    bodies: list[dict[str, Any]]

    def log_message(self, *_: Any) -> None:
        pass

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["content-length"])))
        self.bodies.append(body)
        data = json.dumps(self._answer()).encode()
        self.send_response(200)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def _answer(self) -> dict[str, Any]:
        path = self.path.partition("?")[0]
        made = {"id": "x_1", "model": "m", "created": 1, "usage": USAGE}
        choice = {"index": 0, "finish_reason": "stop"}
        answers: dict[str, dict[str, Any]] = {
            "embeddings": {"object": "list", "data": [{"object": "embedding", "index": 0, "embedding": [0.1]}]},
            "chat/completions": {
                "object": "chat.completion",
                "choices": [{**choice, "message": {"role": "assistant", "content": "x"}}],
            },
            "completions": {"object": "text_completion", "choices": [{**choice, "text": "x"}]},
            "responses": {
                "object": "response",
                "created_at": 1,
                "status": "completed",
                "output": [],
                "parallel_tool_calls": True,
                "tool_choice": "auto",
                "tools": [],
                "usage": {"input_tokens": 1, "output_tokens": 1, "total_tokens": 2},
            },
            "messages": {
                "type": "message",
                "role": "assistant",
                "content": [{"type": "text", "text": "x"}],
                "stop_reason": "end_turn",
                "usage": {"input_tokens": 1, "output_tokens": 1},
            },
            "images/generations": {"data": [{"b64_json": "AA=="}]},
        }
        return {**made, **next(answer for name, answer in answers.items() if path.endswith(name))}


@pytest.fixture(scope="module")
def provider() -> Iterator[tuple[str, list[dict[str, Any]]]]:
    bodies: list[dict[str, Any]] = []
    server = ThreadingHTTPServer(("127.0.0.1", 0), type("Recording", (Provider,), {"bodies": bodies}))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}", bodies
    server.shutdown()
    server.server_close()


@pytest.fixture(scope="module")
def litellm() -> Any:
    import litellm

    return litellm


async def sent(litellm: Any, provider: tuple[str, list[dict[str, Any]]], route: str, kind: str, carried: Any) -> Any:
    """The body at the provider, and the metadata as LiteLLM has them."""
    from litellm.integrations.custom_logger import CustomLogger

    base, bodies = provider
    held: list[Any] = []

    class Plugin(CustomLogger):  # type: ignore[misc]
        async def async_pre_call_deployment_hook(self, kwargs: dict[str, Any], call_type: Any) -> dict[str, Any]:
            made = add_carried(kwargs, ROUTES[route], carried, kind)
            held.append(made.get("litellm_metadata") or made.get("metadata"))
            return made

    plugin = Plugin()
    params = {
        "model": f"{kind}/{MODELS[kind]}",
        "api_base": base if kind in ("anthropic", "azure") else f"{base}/v1",
        "api_key": "none",
        "drop_params": True,
        **({"api_version": "2024-10-21"} if kind == "azure" else {}),
    }
    router = litellm.Router(model_list=[{"model_name": "m", "litellm_params": params}], num_retries=0)
    method, said = CALLS[route]
    bodies.clear()
    litellm.callbacks.insert(0, plugin)
    try:
        await getattr(router, method)(model="m", **said)
    finally:
        litellm.callbacks.remove(plugin)
    assert len(bodies) == 1
    assert all("model_group" in each for each in held)  # LiteLLM's own, in their place
    return bodies[0]


@pytest.mark.parametrize(("route", "kind"), PAIRS)
async def test_arrives(litellm: Any, provider: Any, route: str, kind: str) -> None:
    names = [name for name, kinds in TABLE[route]["carry"].items() if kind in kinds]
    carried = {name: VALUES.get(name, f"of {name}") for name in names}
    body = await sent(litellm, provider, route, kind, carried)
    if kind == "anthropic" and "user" in carried:  # by Anthropic's own name
        carried = {"metadata": {"user_id": carried["user"]}}
    assert {name: body.get(name) for name in carried} == carried
    assert "extra_body" not in body


@pytest.mark.parametrize(("route", "kind"), [("chat", kind) for kind in MODELS] + [("messages", "anthropic")])
async def test_nothing_else_does(litellm: Any, provider: Any, route: str, kind: str) -> None:
    names = {name for name, kinds in TABLE[route]["carry"].items() if kind not in kinds}
    body = await sent(litellm, provider, route, kind, {name: VALUES.get(name, f"of {name}") for name in names})
    assert names.isdisjoint(body)
    assert "extra_body" not in body


def test_what_the_owner_has_set_stays() -> None:
    made = add_carried({"extra_body": {"min_p": 0.5, "a": 1}}, ROUTES["chat"], {"min_p": 0.1, "top_k": 3}, "hosted_vllm")
    assert made == {"extra_body": {"min_p": 0.5, "a": 1, "top_k": 3}}
