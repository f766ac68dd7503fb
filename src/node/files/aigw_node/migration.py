"""LiteLLM's database migrations: plain SQL, applied once for the whole fleet under a lock, and entered in Prisma's own
ledger, so that `prisma migrate deploy` would find nothing left to do. No Prisma command line and no engine is needed."""

from __future__ import annotations

import hashlib
import random
import re
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psycopg

from aigw_node import log
from aigw_node.database import Connection, open_session, value
from aigw_node.errors import NodeError
from aigw_node.settings import DatabaseSettings

# Held for the session, so that neither LiteLLM's own migration job nor `prisma migrate` runs beside us.
LITELLM_LOCK = int.from_bytes(b"llm_mig2", "big")
PRISMA_LOCK = 72707369
CONNECT_WITHIN = 120.0
LOCK_WITHIN = 900.0

LEDGER = """CREATE TABLE IF NOT EXISTS "_prisma_migrations" (
  id varchar(36) PRIMARY KEY NOT NULL,
  checksum varchar(64) NOT NULL,
  finished_at timestamptz,
  migration_name varchar(255) NOT NULL,
  logs text,
  rolled_back_at timestamptz,
  started_at timestamptz NOT NULL DEFAULT now(),
  applied_steps_count integer NOT NULL DEFAULT 0
)"""
ENTER = """INSERT INTO "_prisma_migrations"
  (id, checksum, migration_name, started_at, finished_at, applied_steps_count)
  VALUES (%s, %s, %s, now(), clock_timestamp(), 1)"""


@dataclass(frozen=True)
class Migration:
    name: str
    sql: str
    checksum: str

    @property
    def alone(self) -> bool:
        """Whether PostgreSQL refuses it inside a transaction."""
        code = re.sub(r"--[^\n]*", "", self.sql)
        return re.search(r"\bCREATE\s+(UNIQUE\s+)?INDEX\s+CONCURRENTLY\b", code, re.IGNORECASE) is not None


def find(folder: Path) -> list[Migration]:
    """LiteLLM's migrations in the order of their names (a name may hold spaces)."""
    migrations = []
    for path in sorted(folder.glob("*/migration.sql"), key=lambda path: path.parent.name):
        content = path.read_bytes()
        migrations.append(Migration(path.parent.name, content.decode(), hashlib.sha256(content).hexdigest()))
    if not migrations:
        raise NodeError(f"no migrations found in {folder}")
    return migrations


def litellm_migrations() -> Path:
    import litellm_proxy_extras

    return Path(litellm_proxy_extras.__file__).parent / "migrations"


def connect(database: DatabaseSettings, password: str, within: float = CONNECT_WITHIN) -> Connection:
    deadline = time.monotonic() + within
    while True:
        try:
            return open_session(database, password, "aigw-migration")
        except psycopg.OperationalError as error:
            # libpq's message names host, user and reason, never the password
            reason = " ".join(str(error).split())
        if time.monotonic() > deadline:
            raise NodeError(f"database: {reason}")
        log.event("database-waits", reason=reason)
        time.sleep(random.uniform(1, 3))


@contextmanager
def fleet_lock(connection: Connection, within: float = LOCK_WITHIN) -> Iterator[None]:
    """Both locks, for the session. Asked for again and again rather than waited for: a session that waits inside
    PostgreSQL holds a snapshot, and CREATE INDEX CONCURRENTLY of the one that has the lock would wait for it for ever."""
    deadline = time.monotonic() + within
    waiting = False
    for key in (LITELLM_LOCK, PRISMA_LOCK):
        while not value(connection, "SELECT pg_try_advisory_lock(%s)", key):
            if time.monotonic() > deadline:
                raise NodeError(f"database: another migration has held the lock for {within:.0f} s")
            if not waiting:
                waiting = True
                log.event("migration-waits", reason="another node migrates the database")
            time.sleep(random.uniform(0.5, 1.5))
    try:
        yield
    finally:
        if not connection.closed:
            connection.execute("SELECT pg_advisory_unlock_all()")


def _applied(connection: Connection) -> set[str]:
    if not value(connection, "SELECT to_regclass(%s) IS NOT NULL", '"_prisma_migrations"'):
        if value(connection, "SELECT to_regclass(%s) IS NOT NULL", '"LiteLLM_VerificationToken"'):
            raise NodeError("database: it holds LiteLLM's tables but no list of migrations; baseline it with Prisma first")
        connection.execute(LEDGER)
        return set()
    rows = connection.execute(
        'SELECT migration_name, finished_at IS NOT NULL FROM "_prisma_migrations" WHERE rolled_back_at IS NULL'
    ).fetchall()
    failed = sorted({name for name, finished in rows if not finished} - {name for name, finished in rows if finished})
    if failed:
        raise NodeError(f"database: migration {failed[0]} failed half-way in an earlier run; see docs/node.md")
    return {name for name, _ in rows}


def _apply(connection: Connection, migration: Migration) -> None:
    entry = (str(uuid.uuid4()), migration.checksum, migration.name)
    try:
        if migration.alone:
            connection.execute(migration.sql)
            connection.execute(ENTER, entry)
            return
        with connection.transaction():
            connection.execute(migration.sql)
            connection.execute(ENTER, entry)
    except psycopg.Error as error:
        reason = " ".join(str(error).split())
        raise NodeError(f"database: migration {migration.name} failed and left no trace: {reason}") from None


def migrate(connection: Connection, migrations: list[Migration]) -> int:
    """Brings the database up to date; how many migrations this took. Each is a transaction with its ledger entry."""
    with fleet_lock(connection):
        applied = _applied(connection)
        pending = [migration for migration in migrations if migration.name not in applied]
        ahead = applied - {migration.name for migration in migrations}
        if ahead:
            log.event("database-ahead", migrations=len(ahead), newest=max(ahead))
        started = time.monotonic()
        for migration in pending:
            _apply(connection, migration)
        if pending:
            log.event("database-migrated", migrations=len(pending), seconds=round(time.monotonic() - started, 1))
        return len(pending)
