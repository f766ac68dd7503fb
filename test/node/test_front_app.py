"""The front as a whole, with an app in LiteLLM's place and keys by hand."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest
from aigw_node.front.admin import AdminPort
from aigw_node.front.app import AgentPort, Front
from aigw_node.front.body import Bodies
from aigw_node.front.catalogue import Catalogue
from aigw_node.front.exchange import Exchange, current
from aigw_node.front.parameters import Parameters
from aigw_node.front.refusal import Refusal
from aigw_node.front.response_ids import ResponseIds
from aigw_node.front.routes import SPECS, RouteTable
from aigw_node.front.waiting import WaitingRoom
from aigw_node.litellm import keys
from aigw_node.settings import Route

AGENT, MASTER, BLOCKED = ("sk-" + letter * 48 for letter in "amb")
PORTS = {"agents": 4000, "admin": 4001}
CONFIG = {
    "model_list": [
        {"model_name": "first", "litellm_params": {"model": "openai/gpt-4o"}, "model_info": {"id": "openai-1"}},
        {"model_name": "second", "litellm_params": {"model": "openai/gpt-4o"}, "model_info": {"id": "openai-2"}},
        {"model_name": "claude", "litellm_params": {"model": "anthropic/claude"}, "model_info": {"id": "anthropic-1"}},
    ]
}
CHAT = "/v1/chat/completions"
BODY = b'{"model": "first", "messages": []}'


class Gateway:
    """A front, what LiteLLM got through it, and what callers got."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, slots: int = 4, turn: float = 5.0) -> None:
        async def identify(key: str) -> keys.Caller:
            if key == BLOCKED:
                raise keys.BlockedKey
            if key != AGENT:
                raise keys.UnknownKey
            return keys.Caller("h" * 64, "alias", "one", None, ("first", "claude"), (), {"aigw_agent": "one"}, None)

        async def may_call(caller: keys.Caller, model: str) -> bool:
            return model in caller.models

        monkeypatch.setattr(keys, "identify", identify)
        monkeypatch.setattr(keys, "may_call", may_call)
        monkeypatch.setattr(keys, "is_master", lambda key: key == MASTER)
        self.got: list[tuple[dict[str, Any], bytes]] = []
        self.told: list[tuple[str, int]] = []
        self.exchanges: list[Exchange | None] = []
        self.hold = asyncio.Event()
        self.hold.set()
        self.charged = 0
        agents = AgentPort(
            self._litellm,
            RouteTable([Route(spec.method, spec.path) for spec in SPECS]),
            Catalogue(CONFIG),
            Parameters({}, ()),
            bodies=Bodies(1000, seconds=0.1),
            room=WaitingRoom(1, slots, turn),
            ids=ResponseIds("salt"),
            default_model="first",
            charge=self._charge,
            tell=self._tell,
        )
        admin = AdminPort(self._litellm, [Route("GET", "/key/list"), Route("POST", "/key/generate")])
        self.front = Front(self._litellm, agents=agents, admin=admin, ports=PORTS)

    async def _charge(self, exchange: Exchange) -> None:
        self.charged += 1

    def _tell(self, exchange: Exchange, refusal: Refusal) -> None:
        self.told.append((exchange.agent, refusal.status))

    async def _litellm(self, scope: Any, receive: Any, send: Any) -> None:
        body = (await receive())["body"]
        self.got.append((dict(scope), body))
        self.exchanges.append(current())
        await self.hold.wait()
        await send({"type": "http.response.start", "status": 200, "headers": [(b"x-litellm-version", b"1")]})
        await send({"type": "http.response.body", "body": b'{"version": "inner"}'})

    async def ask(
        self, method: str, path: str, body: Any = b"", key: str = AGENT, port: str = "agents", **more: Any
    ) -> tuple[int, dict[str, str], bytes]:
        sent: list[Any] = []
        chunks = [body] if isinstance(body, bytes) else list(body)

        async def receive() -> Any:
            if not chunks:
                await asyncio.sleep(60)
            chunk = chunks.pop(0)
            return {"type": "http.request", "body": chunk, "more_body": bool(chunks) or chunk == b"..."}

        async def send(message: Any) -> None:
            sent.append(message)

        headers = [(b"content-type", b"application/json"), *more.get("headers", ())]
        if key:
            headers.append((b"authorization", f"Bearer {key}".encode()))
        path, _, query = path.partition("?")
        scope = {"type": "http", "method": method, "path": path, "raw_path": b"/evil", "query_string": query.encode()}
        scope |= {"headers": headers, "server": ("127.0.0.1", PORTS.get(port, 1)), "client": ("10.0.0.1", 5)}
        await self.front(scope, more.get("receive", receive), send)
        told = {name.decode().lower(): value.decode() for name, value in sent[0]["headers"]}
        return sent[0]["status"], told, b"".join(message.get("body", b"") for message in sent[1:])


@pytest.fixture
def gateway(monkeypatch: pytest.MonkeyPatch) -> Gateway:
    return Gateway(monkeypatch)


async def test_litellm_gets_what_the_front_has_made(gateway: Gateway) -> None:
    evil = [(b"x-litellm-tags", b"evil"), (b"x-forwarded-for", b"evil"), (b"cookie", b"evil")]
    status, headers, _ = await gateway.ask("POST", f"{CHAT}?model=second&x=evil", BODY, headers=evil)
    assert status == 200
    ((scope, body),) = gateway.got
    assert (scope["path"], scope["query_string"], scope["raw_path"]) == (CHAT, b"", CHAT.encode())
    assert json.loads(body) == {"model": "first", "messages": []}
    assert b"evil" not in repr(scope).encode()
    made = dict(scope["headers"])
    assert (made[b"x-litellm-call-id"].decode(), made[b"content-length"]) == (headers["x-request-id"], b"%d" % len(body))
    (exchange,) = gateway.exchanges
    assert exchange and (exchange.agent, exchange.model, exchange.call) == ("one", "first", headers["x-request-id"])
    assert current() is None
    assert "x-litellm-version" not in headers


@pytest.mark.parametrize("key", ["", "no-key", "sk-" + "u" * 48, BLOCKED, MASTER])
async def test_who_has_no_key_of_an_agent_is_refused_before_the_body_is_read(gateway: Gateway, key: str) -> None:
    async def never() -> Any:
        raise AssertionError("the body was read")

    for spec in SPECS:
        path = spec.path.replace("{model}", "first").replace("{response}", "resp_1")
        status, headers, body = await gateway.ask(spec.method, path, key=key, receive=never)
        assert (status, len(headers["x-request-id"])) == (401, 36)
        assert len(body) < 200
        assert not key or key not in body.decode()
    assert (gateway.got, gateway.told) == ([], [])


@pytest.mark.parametrize(
    ("method", "path", "body", "status"),
    [
        ("POST", CHAT, b'{"model": "second", "messages": []}', 403),
        ("POST", CHAT, b'{"model": "none", "messages": []}', 404),
        ("POST", CHAT, b'{"model": ["first"], "messages": []}', 400),
        ("POST", CHAT, b"[]", 400),
        ("POST", CHAT, b"x" * 1001, 413),
        ("POST", CHAT, [b"{", b"..."], 408),
        ("POST", "/v1/moderations", b'{"model": "claude", "input": "x"}', 400),
        ("POST", "/v1/audio/transcriptions", b'{"model": "first"}', 400),
        ("POST", "/v1/responses", b'{"model": "claude", "input": "x", "previous_response_id": "r"}', 400),
        ("GET", "/v1/responses/resp_1", b"", 404),
    ],
)
async def test_a_refusal_is_told_and_logged_and_nothing_is_asked(
    gateway: Gateway, method: str, path: str, body: Any, status: int
) -> None:
    assert (await gateway.ask(method, path, body))[0] == status
    assert (gateway.got, gateway.told) == ([], [("one", status)])


@pytest.mark.parametrize("path", ["/v1/files", "/v1/chat/completions/", "/key/generate", "/", "/v1/models/", "/metrics"])
async def test_what_is_not_served_does_not_exist(gateway: Gateway, path: str) -> None:
    for port in ("agents", "elsewhere"):
        assert (await gateway.ask("POST", path, BODY, port=port))[0] == 404
    status, _, body = await gateway.ask("POST", "/v1/messages/batches", BODY)
    assert (status, json.loads(body)["error"]["type"]) == (404, "not_found_error")
    assert gateway.got == []


async def test_models_are_listed_without_litellm(gateway: Gateway) -> None:
    _, _, body = await gateway.ask("GET", "/v1/models")
    assert [model["id"] for model in json.loads(body)["data"]] == ["first", "claude"]
    assert (await gateway.ask("GET", "/v1/models/second"))[0] == 404
    assert gateway.got == []


async def test_health_tells_nothing_but_a_status(gateway: Gateway) -> None:
    for port in PORTS:
        status, headers, body = await gateway.ask("GET", "/health/readiness?x=1", key="", port=port)
        assert (status, json.loads(body)) == (200, {"status": "healthy"})
        assert "x-litellm-version" not in headers


async def test_an_administrator_asks_by_path_and_known_names(gateway: Gateway) -> None:
    status, _, _ = await gateway.ask("GET", "/key/list?page=2&search=a%26b&evil=1", key=MASTER, port="admin")
    assert status == 200
    assert gateway.got[-1][0]["query_string"] == b"page=2&search=a%26b"
    assert (await gateway.ask("GET", "/key/list", key="", port="admin"))[0] == 401
    assert (await gateway.ask("POST", "/key/generate", b'{"a": 1, "a": 2}', key=MASTER, port="admin"))[0] == 400
    assert (await gateway.ask("POST", CHAT, BODY, key=MASTER, port="admin"))[0] == 404
    assert len(gateway.got) == 1


async def test_a_stored_response_is_asked_for_by_litellms_id_and_counted(gateway: Gateway) -> None:
    signed = ResponseIds("salt").sign("one", "resp_1")
    assert (await gateway.ask("GET", f"/v1/responses/{signed}"))[0] == 200
    assert (await gateway.ask("DELETE", f"/v1/responses/{signed}"))[0] == 200
    assert [scope["path"] for scope, _ in gateway.got] == ["/v1/responses/resp_1"] * 2
    assert gateway.charged == 1


async def test_a_turn_that_litellm_keeps_is_given_back_in_time(monkeypatch: pytest.MonkeyPatch) -> None:
    gateway = Gateway(monkeypatch, slots=1, turn=0.05)
    gateway.hold.clear()
    first = asyncio.create_task(gateway.ask("POST", CHAT, BODY))
    await asyncio.sleep(0)
    second = asyncio.create_task(gateway.ask("POST", CHAT, BODY))
    await asyncio.sleep(0.01)
    assert len(gateway.got) == 1
    status, headers, _ = await gateway.ask("POST", CHAT, BODY)
    assert (status, headers["retry-after"]) == (503, "1")
    await asyncio.sleep(0.1)
    assert len(gateway.got) == 2
    gateway.hold.set()
    assert [(await task)[0] for task in (first, second)] == [200, 200]


async def test_what_nobody_foresaw_is_a_short_answer_and_a_short_line(
    gateway: Gateway, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def fail(*_: object) -> None:
        raise ZeroDivisionError("inner")

    monkeypatch.setattr(Parameters, "clean", fail)
    status, headers, body = await gateway.ask("POST", CHAT, BODY)
    assert (status, json.loads(body)["error"]["message"]) == (500, "the request failed")
    (line,) = capsys.readouterr().err.splitlines()
    assert json.loads(line)["call"] == headers["x-request-id"]
    assert "inner" not in line


@pytest.mark.parametrize(("port", "path"), [("agents", CHAT), ("admin", "/key/generate")])
async def test_who_leaves_within_a_body_leaves_no_trace(gateway: Gateway, port: str, path: str) -> None:
    async def gone() -> Any:
        return {"type": "http.disconnect"}

    with pytest.raises(IndexError):  # nothing was sent
        await gateway.ask("POST", path, BODY, port=port, receive=gone)
    assert (gateway.got, gateway.told) == ([], [])
