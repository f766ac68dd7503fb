"""The port on which keys are administered: LiteLLM's own API for those who hold the master key, by path and query name.

LiteLLM decides who may do what there; its answers leave as they are."""

from __future__ import annotations

from collections.abc import Iterable
from urllib.parse import parse_qsl, urlencode

from aigw_node.asgi import App, Receive, Scope, Send
from aigw_node.front import headers, strict_json
from aigw_node.front.answer import send_refusal
from aigw_node.front.body import Bodies, ClientGone
from aigw_node.front.refusal import Form, Refusal, Refused
from aigw_node.front.replay import replay
from aigw_node.settings import Route

MOST_BODY = 4 << 20
NOT_FOUND = Refusal(404, "this gateway does not serve this path", "not_found_error", code="not_found")
# Of the query, by path: what provisioning and reporting ask by.
QUERIES = {
    "/key/info": frozenset({"key"}),
    "/key/list": frozenset(
        {"page", "size", "return_full_object", "search", "key_alias", "key_hash", "team_id", "sort_by", "sort_order"}
    ),
    "/team/info": frozenset({"team_id"}),
    "/user/daily/activity/aggregated/keys": frozenset(
        {"start_date", "end_date", "api_key", "model", "timezone", "page", "page_size", "limit", "offset"}
    ),
}


class AdminPort:
    def __init__(self, app: App, routes: Iterable[Route]) -> None:
        self._app = app
        self._routes = frozenset((route.method, route.path) for route in routes)
        self._bodies = Bodies(MOST_BODY)

    async def __call__(self, call: str, scope: Scope, receive: Receive, send: Send) -> None:
        path, given = scope["path"], scope["headers"]
        try:
            if (scope["method"], path) not in self._routes:
                raise Refused(NOT_FOUND)
            key = headers.key_of(given)
            body = b""
            if scope["method"] == "POST":
                read = await self._bodies.read(receive, headers.content_length(given))
                body = strict_json.write(strict_json.parse(read))
        except Refused as refused:
            await send_refusal(refused.refusal, Form.OPENAI, call, send)
            return
        except ClientGone:
            return
        asked = parse_qsl(scope["query_string"].decode("latin-1"), keep_blank_values=True)
        query = urlencode([(name, value) for name, value in asked if name in QUERIES.get(path, ())])
        made = headers.plain(key, call, "application/json", len(body))
        await self._app({**scope, "headers": made, "query_string": query.encode()}, replay(body, receive), send)
