from __future__ import annotations

from typing import Any

import pytest
from aigw_node.routes import AllowList, RouteTable
from aigw_node.settings import Route

AGENTS = RouteTable([Route("POST", "/v1/chat/completions"), Route("GET", "/v1/responses/{id}")])
ADMIN = RouteTable([Route("POST", "/key/generate")])


class Recorder:
    """An app that answers 200, and what it and the caller were given."""

    def __init__(self) -> None:
        self.scopes: list[Any] = []
        self.sent: list[Any] = []

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        self.scopes.append(scope)
        await send({"type": "http.response.start", "status": 200})

    async def ask(self, method: str, path: str, port: int = 4000, headers: Any = (), kind: str = "http") -> int:
        scope = {"type": kind, "method": method, "path": path, "server": ("10.0.0.1", port), "headers": list(headers)}
        self.sent = []

        async def send(message: Any) -> None:
            self.sent.append(message)

        await AllowList(self, {4000: AGENTS, 4001: ADMIN})(scope, None, send)  # type: ignore[arg-type]
        return int(self.sent[0].get("status", 0))


@pytest.mark.parametrize(
    ("method", "path", "port", "status"),
    [
        ("POST", "/v1/chat/completions", 4000, 200),
        ("POST", "/v1/chat/completions", 4001, 404),
        ("GET", "/v1/chat/completions", 4000, 404),
        ("POST", "/v1/chat/completions/", 4000, 404),
        ("POST", "//v1/chat/completions", 4000, 404),
        ("POST", "/chat/completions", 4000, 404),
        ("POST", "/V1/chat/completions", 4000, 404),
        ("GET", "/v1/responses/resp_1", 4000, 200),
        ("GET", "/v1/responses/resp_1/input_items", 4000, 404),
        ("GET", "/v1/responses/", 4000, 404),
        ("GET", "/v1/responses/a\n", 4000, 200),
        ("DELETE", "/v1/responses/resp_1", 4000, 404),
        ("GET", "/v1/files", 4000, 404),
        ("POST", "/openai/v1/chat/completions", 4000, 404),
        ("POST", "/key/generate", 4000, 404),
        ("POST", "/key/generate", 4001, 200),
        ("GET", "/health", 4001, 404),
        ("GET", "/health/readiness", 4000, 200),
        ("GET", "/health/liveliness", 4001, 200),
        ("POST", "/v1/chat/completions", 5000, 404),
    ],
)
async def test_a_port_serves_its_own_list_only(method: str, path: str, port: int, status: int) -> None:
    app = Recorder()
    assert await app.ask(method, path, port) == status
    assert len(app.scopes) == (status == 200)


async def test_a_refusal_is_json_that_a_client_understands() -> None:
    app = Recorder()
    await app.ask("GET", "/")
    assert app.sent[0]["headers"][0] == (b"content-type", b"application/json")
    assert b'"type": "not_found"' in app.sent[1]["body"]


async def test_websockets_are_closed() -> None:
    app = Recorder()
    await app.ask("GET", "/v1/realtime", kind="websocket")
    assert app.sent == [{"type": "websocket.close", "code": 1008}]
    assert not app.scopes


async def test_headers_that_steer_litellm_are_taken_out() -> None:
    app = Recorder()
    kept = [(b"authorization", b"Bearer x"), (b"x-litellm-api-key", b"x"), (b"content-type", b"application/json")]
    steering = [(b"x-litellm-tags", b"a"), (b"x-litellm-timeout", b"1"), (b"litellm-disable-message-redaction", b"true")]
    await app.ask("POST", "/v1/chat/completions", headers=[*kept, *steering])
    assert app.scopes[0]["headers"] == kept


async def test_the_life_of_the_app_goes_through() -> None:
    app = Recorder()
    await app.ask("", "", kind="lifespan")
    assert app.scopes[0]["type"] == "lifespan"
