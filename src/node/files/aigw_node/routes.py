"""What a caller may ask for: a list of methods and paths for each port. All else does not exist, whatever LiteLLM serves."""

from __future__ import annotations

import json
import re
from collections.abc import Awaitable, Callable, Iterable, Mapping, MutableMapping
from typing import Any

from aigw_node.settings import Route

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]

HEALTH = (Route("GET", "/health/readiness"), Route("GET", "/health/liveliness"))
# Request headers by which LiteLLM lets a caller change timeouts, retries, tags, logging. The key itself may come in one.
STEERING = re.compile(rb"(x-litellm-|litellm-)")
KEPT = frozenset({b"x-litellm-api-key"})
NOT_FOUND = json.dumps(
    {"error": {"message": "this gateway does not serve this path", "type": "not_found", "param": None, "code": "404"}}
).encode()


class RouteTable:
    """Paths are matched whole; `{name}` stands for one segment."""

    def __init__(self, routes: Iterable[Route]) -> None:
        self._exact: set[tuple[str, str]] = set()
        self._patterns: list[tuple[str, re.Pattern[str]]] = []
        for route in (*HEALTH, *routes):
            if "{" in route.path:
                parts = re.split(r"\{[^/{}]+\}", route.path)
                self._patterns.append((route.method, re.compile("[^/]+".join(map(re.escape, parts)))))
            else:
                self._exact.add((route.method, route.path))

    def allows(self, method: str, path: str) -> bool:
        if (method, path) in self._exact:
            return True
        return any(method == allowed and pattern.fullmatch(path) for allowed, pattern in self._patterns)


class AllowList:
    """ASGI middleware: the port on which a request came in decides which table it is held against."""

    def __init__(self, app: App, tables: Mapping[int, RouteTable]) -> None:
        self._app, self._tables = app, tables

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
        elif scope["type"] != "http":
            await send({"type": "websocket.close", "code": 1008})
        elif self._allows(scope):
            scope["headers"] = [
                (name, value) for name, value in scope["headers"] if name in KEPT or not STEERING.match(name)
            ]
            await self._app(scope, receive, send)
        else:
            headers = [(b"content-type", b"application/json"), (b"content-length", str(len(NOT_FOUND)).encode())]
            await send({"type": "http.response.start", "status": 404, "headers": headers})
            await send({"type": "http.response.body", "body": NOT_FOUND})

    def _allows(self, scope: Scope) -> bool:
        server = scope.get("server")
        table = self._tables.get(server[1]) if server else None
        return table is not None and table.allows(scope["method"], scope["path"])
