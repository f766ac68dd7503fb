"""`python identifying.py serve ...`: a node that also answers `POST /identify`, on every port, with what the seam says of a
key: `{key, models, times}`."""

from __future__ import annotations

import json
import sys
import time
from typing import Any

import uvicorn
from aigw_node.__main__ import main
from aigw_node.asgi import App, Receive, Scope, Send
from aigw_node.litellm.keys import KeysUnavailable, NoCaller, identify, may_call

made = uvicorn.Config.__init__


async def told(key: str, models: list[str], times: int) -> dict[str, Any]:
    began = time.perf_counter()
    try:
        for _ in range(times):
            caller = await identify(key)
    except (NoCaller, KeysUnavailable) as error:
        return {"error": type(error).__name__, "seconds": time.perf_counter() - began}
    seconds = (time.perf_counter() - began) / times
    may = {model: await may_call(caller, model) for model in models}
    names = ("hash", "alias", "agent", "team", "models", "allowed_routes", "metadata")
    return {"caller": {name: getattr(caller, name) for name in names}, "may": may, "seconds": seconds, "shown": repr(caller)}


class Asked:
    def __init__(self, app: App) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope.get("path") != "/identify":
            await self._app(scope, receive, send)
            return
        question = json.loads((await receive())["body"])
        reply = await told(question["key"], question.get("models", []), question.get("times", 1))
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": json.dumps(reply).encode()})


def config(self: uvicorn.Config, app: Any, **more: Any) -> None:
    made(self, Asked(app), **more)


uvicorn.Config.__init__ = config  # type: ignore[assignment,method-assign]
sys.exit(main(sys.argv[1:]))
