"""Who waits for a worker's turn: a bounded number, each agent in its turn.

A worker reads, checks and sends requests with one processor. Of those that wait for that, each agent has one served before
another agent's next one, so that one busy agent does not make the others wait. A turn ends when the request is sent to its
provider, and after some seconds in any case: what waits for something else, whatever it is, needs no processor."""

from __future__ import annotations

import asyncio
from collections import OrderedDict, deque
from collections.abc import Callable

from aigw_node.front.refusal import Refusal, Refused

SLOTS = 4
TURN = 5.0  # seconds
RETRY_SECONDS = 1
FULL = Refusal(503, "too many requests wait at this gateway; try again", "overloaded", RETRY_SECONDS)


class WaitingRoom:
    def __init__(self, most: int, slots: int = SLOTS, turn: float = TURN) -> None:
        """`most`: requests that wait; `slots`: that are served at once; `turn`: seconds until one is over in any case."""
        self._most, self._free, self._turn = most, slots, turn
        self._queues: OrderedDict[str, deque[asyncio.Future[None]]] = OrderedDict()
        self._waiting = 0

    async def enter(self, agent: str) -> Callable[[], None]:
        """Returns what gives the turn back, and does so once. Raises Refused with 503 if too many wait: the busiest agent's
        last one gives way to an agent that has fewer."""
        if self._free > 0 and not self._waiting:
            self._free -= 1
            return self._once()
        if self._waiting >= self._most:
            self._make_room(agent)
        turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._queues.setdefault(agent, deque()).append(turn)
        self._waiting += 1
        try:
            await turn
        except asyncio.CancelledError:
            if turn.done() and not turn.cancelled() and turn.exception() is None:
                self._leave()  # it had its turn already
            else:
                self._forget(agent, turn)
            raise
        return self._once()

    def _make_room(self, agent: str) -> None:
        busiest = max(self._queues, key=lambda name: len(self._queues[name]))
        if len(self._queues[busiest]) <= len(self._queues.get(agent, ())) + 1:
            raise Refused(FULL)
        turn = self._queues[busiest][-1]
        self._forget(busiest, turn)
        turn.set_exception(Refused(FULL))

    def _forget(self, agent: str, turn: asyncio.Future[None]) -> None:
        queue = self._queues.get(agent)
        if queue is not None and turn in queue:
            queue.remove(turn)
            self._waiting -= 1
            if not queue:
                del self._queues[agent]

    def _once(self) -> Callable[[], None]:
        left = False

        def leave() -> None:
            nonlocal left
            if not left:
                left = True
                clock.cancel()
                self._leave()

        clock = asyncio.get_running_loop().call_later(self._turn, leave)
        return leave

    def _leave(self) -> None:
        """The turn goes to the agent that has waited longest for one; after that, that agent is the last."""
        while self._queues:
            agent, queue = self._queues.popitem(last=False)
            turn = queue.popleft()
            self._waiting -= 1
            if queue:
                self._queues[agent] = queue
            if not turn.done():  # else its caller has just left
                turn.set_result(None)
                return
        self._free += 1
