"""Which process of a gateway makes the agents' keys: the one that holds a lock of the database.

A lock of PostgreSQL's session, and none in Redis: the keys lie in this database, so that without it there is nothing to be
done; the server frees the lock itself at once when a process ends, and no clock is trusted; Redis may lose a lock when it
fails over or is full. Two that lead for a moment, after the database failed over, do no harm: every step is one that
another may have taken already."""

from __future__ import annotations

from collections.abc import Callable

import psycopg

from aigw_node import log
from aigw_node.database import Connection, open_session, value
from aigw_node.settings import DatabaseSettings

LOCK = int.from_bytes(b"aigwkeys", "big")
# A machine that is gone says no goodbye: its lock is free after 20 + 3 * 5 s.
FOUND_GONE = {"tcp_keepalives_idle": 20, "tcp_keepalives_interval": 5, "tcp_keepalives_count": 3}
UNANSWERED_MS = 10_000  # after this a session counts as lost on this side, too


def database_session(database: DatabaseSettings, password: str) -> Connection:
    session = open_session(database, password, "aigw-provisioning", tcp_user_timeout=UNANSWERED_MS)
    try:
        for name, seconds in FOUND_GONE.items():
            session.execute(f"SET {name} = {seconds}")
    except psycopg.Error:
        session.close()
        raise
    return session


class Lead:
    """Blocks for as long as the database takes to answer."""

    def __init__(self, open_: Callable[[], Connection]) -> None:
        self._open = open_
        self._session: Connection | None = None
        self._held = False
        self._told = ""

    def held(self) -> bool:
        """Whether this process leads now; it does from now on if no other one does."""
        held, trouble = self._ask()
        if held != self._held or trouble != self._told:
            log.event("provisioning-lead", held=held, **({"error": trouble} if trouble else {}))
        self._held, self._told = held, trouble
        return held

    def give_up(self) -> None:
        if self._session is not None:
            self._session.close()
        self._session, self._held = None, False

    def _ask(self) -> tuple[bool, str]:
        try:
            if self._session is None:
                self._session = self._open()
            # The lock lasts as long as the session does.
            query = "SELECT true" if self._held else f"SELECT pg_try_advisory_lock({LOCK})"
            return bool(value(self._session, query)), ""
        except psycopg.Error as error:
            self.give_up()
            return False, type(error).__name__
