"""The front itself: what stands between a connection and LiteLLM."""

from __future__ import annotations

import uuid
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Protocol

import orjson

from aigw_node import log
from aigw_node.asgi import App, Headers, Message, Receive, Scope, Send
from aigw_node.front import headers, listing, multipart, strict_json
from aigw_node.front.admin import NOT_FOUND, AdminPort
from aigw_node.front.answer import Answer, send_refusal
from aigw_node.front.body import Bodies, ClientGone
from aigw_node.front.catalogue import STORES_RESPONSES, Catalogue
from aigw_node.front.exchange import Exchange, enter, leave
from aigw_node.front.keys import callable_models, caller_of, check_model, check_route
from aigw_node.front.parameters import Parameters
from aigw_node.front.refusal import Form, Refusal, Refused, invalid
from aigw_node.front.replay import replay
from aigw_node.front.response_ids import ResponseIds
from aigw_node.front.routes import Body, Found, RouteTable
from aigw_node.front.waiting import WaitingRoom

HEALTH = frozenset({"/health/readiness", "/health/liveliness"})
FORM_BY_PREFIX = (("/v1/messages", Form.ANTHROPIC), ("/v1/rerank", Form.COHERE), ("/v2/rerank", Form.COHERE))
FAILED = Refusal(500, "the request failed", "api_error")
# Of what LiteLLM is asked without one of its hooks, these cost a request of the minute.
COUNTED_HERE = frozenset(
    {("count-tokens", "POST"), ("response", "GET"), ("response", "DELETE"), ("response-cancel", "POST")}
)


class Charge(Protocol):
    async def __call__(self, exchange: Exchange) -> None:
        """Counts a request that LiteLLM runs no hook for. Raises Refused."""


class Tell(Protocol):
    def __call__(self, exchange: Exchange, refusal: Refusal) -> None:
        """Keeps a line of a refused request."""


class Front:
    """ASGI middleware: the port on which a request came in decides whether an agent or an administrator asks."""

    def __init__(self, app: App, *, agents: AgentPort, admin: AdminPort, ports: Mapping[str, int]) -> None:
        self._app = app
        self._ports: dict[int, Callable[[str, Scope, Receive, Send], Awaitable[None]]] = {
            ports["agents"]: agents,
            ports["admin"]: admin,
        }

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
        elif scope["method"] == "GET" and scope["path"] in HEALTH:
            await _health(self._app, scope, send)
        elif port := self._ports.get((scope.get("server") or (None, 0))[1]):
            await port(str(uuid.uuid4()), scope, receive, send)
        else:
            await send_refusal(NOT_FOUND, Form.OPENAI, str(uuid.uuid4()), send)


class AgentPort:
    def __init__(
        self,
        app: App,
        routes: RouteTable,
        catalogue: Catalogue,
        parameters: Parameters,
        *,
        bodies: Bodies,
        room: WaitingRoom,
        ids: ResponseIds,
        default_model: str | None,
        charge: Charge,
        tell: Tell,
    ) -> None:
        self._app, self._routes, self._catalogue, self._parameters = app, routes, catalogue, parameters
        self._bodies, self._room, self._ids, self._default_model = bodies, room, ids, default_model
        self._charge, self._tell = charge, tell

    async def __call__(self, call: str, scope: Scope, receive: Receive, send: Send) -> None:
        found = self._routes.find(scope["method"], scope["path"])
        if found is None:
            form = next((form for prefix, form in FORM_BY_PREFIX if scope["path"].startswith(prefix)), Form.OPENAI)
            await send_refusal(NOT_FOUND, form, call, send)
            return
        exchange = Exchange(call, found.spec)
        token = enter(exchange)
        try:
            await self._serve(exchange, found, scope, receive, send)
        except Refused as refused:
            if exchange.caller is not None:
                self._tell(exchange, refused.refusal)
            await send_refusal(refused.refusal, exchange, call, send)
        except ClientGone:
            pass
        except Exception as error:  # before any answer: what comes later is the answer's to tell
            log.event("request-failed", call=call, **log.told_of(error))
            await send_refusal(FAILED, exchange, call, send)
        finally:
            exchange.release()
            leave(token)

    async def _serve(self, exchange: Exchange, found: Found, scope: Scope, receive: Receive, send: Send) -> None:
        given, spec = scope["headers"], found.spec
        key, caller = await caller_of(given)
        exchange.caller, exchange.agent = caller, caller.agent or caller.hash
        check_route(caller, scope["path"])
        if spec.name == "models":
            await self._list(exchange, found, send)
            return
        length = headers.content_length(given)
        read = b"" if spec.body is Body.NONE else await self._bodies.read(receive, length, exchange.agent)
        content_type, body = await self._body(exchange, headers.text_of(given, b"content-type"), read)
        exchange.size = len(body)
        path, rewrite = scope["path"], None
        if response := found.values.get("response"):
            path = path.replace(response, self._ids.raw(exchange.agent, response))
        if spec.name.startswith("response"):
            rewrite = self._ids.rewrite(exchange.agent, asked=response)
        if (spec.name, spec.method) in COUNTED_HERE:
            await self._charge(exchange)
        exchange.release = await self._room.enter(exchange.agent)
        made = headers.for_litellm(given, spec, key=key, call=exchange.call, content_type=content_type, length=len(body))
        async with Answer(exchange, send, rewrite=rewrite) as answer:
            await self._app({**_scope(scope, path), "headers": made}, replay(body, receive), answer.send)

    async def _body(self, exchange: Exchange, content_type: str, read: bytes) -> tuple[str, bytes]:
        """What LiteLLM gets for the body: only what may pass, of a model that the key may call."""
        spec = exchange.route
        if spec.body is Body.NONE:
            return "application/json", b""
        is_form = spec.body is Body.MULTIPART
        if is_form and not content_type.lower().startswith("multipart/form-data"):
            raise invalid("this route takes multipart/form-data")
        said = await multipart.parse(content_type, read) if is_form else strict_json.parse(read or b"{}")
        model = None
        if spec.has_model:
            model = await self._model(exchange, said.pop("model", None))
        cleaned = self._parameters.clean(spec, said, self._catalogue.kinds(model) if model else ())
        exchange.dropped, exchange.carried = cleaned.dropped, cleaned.carried
        body = {**({"model": model} if model else {}), **cleaned.body}
        exchange.stream = body.get("stream") is True
        if previous := body.get("previous_response_id"):
            body["previous_response_id"] = self._previous(exchange, str(model), previous)
        return multipart.write(body) if is_form else ("application/json", strict_json.write(body))

    async def _model(self, exchange: Exchange, asked: Any) -> str:
        model = self._catalogue.check(self._default_model if asked in (None, "") else asked)
        exchange.model = model
        await check_model(exchange.caller, model)
        self._catalogue.check_route(exchange.route, model)
        return model

    def _previous(self, exchange: Exchange, model: str, previous: Any) -> str:
        if not self._catalogue.kinds(model) <= STORES_RESPONSES:
            said = f'the provider of "{model}" stores no responses: send the whole conversation as "input" instead'
            raise invalid(said, param="previous_response_id")
        return self._ids.raw(exchange.agent, previous, status=400)

    async def _list(self, exchange: Exchange, found: Found, send: Send) -> None:
        names = await callable_models(exchange.caller, self._catalogue.names())
        asked = found.values.get("model")
        if asked is not None and asked not in names:
            said = "this key may call no model of that name; GET /v1/models lists those that it may call"
            raise Refused(Refusal(404, said, "invalid_request_error", code="model_not_found", param="model"))
        value = listing.models(names) if asked is None else listing.model(asked)
        async with Answer(exchange, send) as answer:
            await _send_json(200, value, answer.send)


def _scope(scope: Scope, path: str) -> dict[str, Any]:
    """What LiteLLM learns of the connection: no query, and of the path only what was checked."""
    kept = {
        name: scope[name]
        for name in ("type", "asgi", "http_version", "method", "scheme", "server", "client")
        if name in scope
    }
    return {
        **kept,
        "path": path,
        "raw_path": path.encode(),
        "root_path": "",
        "query_string": b"",
        "state": scope.get("state", {}),
    }


async def _health(app: App, scope: Scope, send: Send) -> None:
    """LiteLLM's own check, without what it tells of itself."""
    status = 503

    async def nothing() -> Message:
        return {"type": "http.request", "body": b"", "more_body": False}

    async def note(message: Message) -> None:
        nonlocal status
        if message["type"] == "http.response.start":
            status = message["status"]

    try:
        await app({**_scope(scope, scope["path"]), "headers": [(b"host", b"gateway.invalid")]}, nothing, note)
    except Exception as error:
        log.event("health-failed", error=type(error).__name__)
        status = 503
    await _send_json(status, {"status": "healthy" if status == 200 else "unavailable"}, send)


async def _send_json(status: int, value: Any, send: Callable[[Message], Awaitable[None]]) -> None:
    body = orjson.dumps(value)
    sent: Headers = [(b"content-type", b"application/json"), (b"content-length", str(len(body)).encode())]
    await send({"type": "http.response.start", "status": status, "headers": sent})
    await send({"type": "http.response.body", "body": body})
