"""Sessions of our own with the gateway's database, beside those of LiteLLM's engine."""

from __future__ import annotations

from typing import Any

import psycopg

from aigw_node.settings import DatabaseSettings

Connection = psycopg.Connection[tuple[Any, ...]]


def open_session(database: DatabaseSettings, password: str, name: str, **options: Any) -> Connection:
    """psycopg.OperationalError if there is none; `name`: by which an operator finds the session in pg_stat_activity."""
    return psycopg.connect(
        host=database.host,
        port=database.port,
        dbname=database.name,
        user=database.user,
        password=password,
        sslmode=database.ssl_mode,
        sslrootcert=database.ssl_root_certificate or "",
        connect_timeout=10,
        application_name=name,
        autocommit=True,
        **options,
    )


def value(session: Connection, query: str, *parameters: object) -> Any:
    """The one value that a query answers; None if it answers nothing."""
    row = session.execute(query, parameters).fetchone()
    return row[0] if row else None
