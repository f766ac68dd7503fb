"""Reads a request's body: bounded in bytes and time, all unfinished ones of a worker together in bytes too."""

from __future__ import annotations

import asyncio
from collections import Counter

from aigw_node.asgi import Receive
from aigw_node.front.refusal import Refusal, Refused

MIB = 1 << 20
SECONDS = 60.0
# How many of the longest bodies a worker holds at a time while they come in.
AT_ONCE = 8
# How many of them are one agent's at the most: who sends long ones slowly keeps nobody else's out.
OF_ONE = 4
RETRY_SECONDS = 2


class ClientGone(Exception):
    """The caller left before its request was whole: there is nobody to answer."""


class Bodies:
    def __init__(self, most: int, seconds: float = SECONDS) -> None:
        """`most`: bytes of one body; `seconds`: until the last byte of it must be there."""
        self._most, self._seconds = most, seconds
        self._left, self._share = most * AT_ONCE, most * OF_ONE
        self._held: Counter[str] = Counter()  # by agent

    async def read(self, receive: Receive, announced: int | None, agent: str = "") -> bytes:
        """Raises Refused with 413, 408 or 503, and ClientGone. `announced`: what Content-Length says; `agent`: whose body it
        is, none of whom holds more than a share."""
        if announced is not None and announced > self._most:
            raise self._too_large()
        chunks: list[bytes] = []
        try:
            await asyncio.wait_for(self._collect(receive, chunks, agent), self._seconds)
        except asyncio.TimeoutError:
            said = f"the body did not arrive within {self._seconds:.0f} s"
            raise Refused(Refusal(408, said, "request_timeout")) from None
        finally:
            self._take(agent, -sum(map(len, chunks)))
        return b"".join(chunks)

    async def _collect(self, receive: Receive, chunks: list[bytes], agent: str) -> None:
        read, more = 0, True
        while more:
            message = await receive()
            if message["type"] != "http.request":
                raise ClientGone
            chunk, more = message.get("body", b""), message.get("more_body", False)
            read += len(chunk)
            if read > self._most:
                raise self._too_large()
            if len(chunk) > self._left or (agent and self._held[agent] + len(chunk) > self._share):
                said = "this gateway is reading too many long requests at once; try again"
                raise Refused(Refusal(503, said, "overloaded", RETRY_SECONDS))
            self._take(agent, len(chunk))
            chunks.append(chunk)

    def _take(self, agent: str, size: int) -> None:
        self._left -= size
        self._held[agent] += size
        if not self._held[agent]:
            del self._held[agent]

    def _too_large(self) -> Refused:
        said = f"the body is longer than {self._most / MIB:g} MiB, the most that this gateway takes"
        return Refused(Refusal(413, said, "request_too_large"))
