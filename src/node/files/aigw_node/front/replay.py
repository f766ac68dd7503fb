"""A body that was read, given again to LiteLLM; after it, LiteLLM hears when the caller leaves."""

from __future__ import annotations

from aigw_node.asgi import Message, Receive


def replay(body: bytes, receive: Receive) -> Receive:
    given = False

    async def again() -> Message:
        nonlocal given
        if given:
            return await receive()
        given = True
        return {"type": "http.request", "body": body, "more_body": False}

    return again
