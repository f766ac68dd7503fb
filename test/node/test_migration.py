"""The migration against a real PostgreSQL, with LiteLLM's real migrations."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor

import psycopg
import pytest
from aigw_node import migration
from aigw_node.errors import NodeError
from aigw_node.migration import Migration
from aigw_node.settings import DatabaseSettings

from doubles.postgres import Postgres

LEDGER = 'SELECT count(*), count(finished_at), count(DISTINCT migration_name) FROM "_prisma_migrations"'


@pytest.fixture
def where(postgres: Postgres, database: str) -> DatabaseSettings:
    return DatabaseSettings(
        "127.0.0.1", postgres.port, database, "litellm", "disable", None, 10, "prod-gateway/database", None
    )


def run(postgres: Postgres, where: DatabaseSettings, migrations: list[Migration]) -> int:
    with migration.connect(where, postgres.password) as connection:
        return migration.migrate(connection, migrations)


def made(name: str, sql: str) -> Migration:
    return Migration(name, sql, "0" * 64)


def test_litellms_migrations_are_applied_once(postgres: Postgres, where: DatabaseSettings) -> None:
    everything = migration.find(migration.litellm_migrations())
    assert run(postgres, where, everything) == len(everything) > 200
    assert postgres.ask(where.name, LEDGER) == [(len(everything),) * 3]
    assert postgres.ask(where.name, 'SELECT count(*) FROM "LiteLLM_VerificationToken"') == [(0,)]
    assert run(postgres, where, everything) == 0


def test_of_many_nodes_one_migrates_and_the_others_wait(postgres: Postgres, where: DatabaseSettings) -> None:
    everything = migration.find(migration.litellm_migrations())
    with ThreadPoolExecutor(4) as pool:
        counts = list(pool.map(lambda _: run(postgres, where, everything), range(4)))
    assert sorted(counts) == [0, 0, 0, len(everything)]


def test_a_waiting_node_does_not_hold_up_an_index_that_is_built_concurrently(
    postgres: Postgres, where: DatabaseSettings
) -> None:
    slow = [made("1", "CREATE TABLE t (a int)"), made("2", "SELECT pg_sleep(2)")]
    last = made("3", "-- why\nCREATE INDEX CONCURRENTLY IF NOT EXISTS i ON t (a);")
    assert last.alone
    with ThreadPoolExecutor(2) as pool:
        counts = list(pool.map(lambda _: run(postgres, where, [*slow, last]), range(2), timeout=120))
    assert sorted(counts) == [0, 3]


def test_a_failed_migration_leaves_no_half_and_the_next_run_goes_on(postgres: Postgres, where: DatabaseSettings) -> None:
    good, bad = made("1", "CREATE TABLE t (a int)"), made("2 with a space", "CREATE TABLE u (a int); SELECT 1/0")
    with pytest.raises(NodeError, match="migration 2 with a space failed and left no trace: division by zero"):
        run(postgres, where, [good, bad])
    assert postgres.ask(where.name, "SELECT to_regclass('t') IS NOT NULL, to_regclass('u') IS NOT NULL") == [(True, False)]
    assert run(postgres, where, [good, made("2 with a space", "CREATE TABLE u (a int)")]) == 1


def test_a_migration_that_prisma_left_half_done_is_not_passed_over(postgres: Postgres, where: DatabaseSettings) -> None:
    run(postgres, where, [made("1", "SELECT 1")])
    postgres.ask(where.name, "INSERT INTO _prisma_migrations (id, checksum, migration_name) VALUES ('x', 'x', '2')")
    with pytest.raises(NodeError, match="migration 2 failed half-way"):
        run(postgres, where, [made("1", "SELECT 1"), made("2", "SELECT 1")])


def test_tables_without_a_ledger_are_not_touched(postgres: Postgres, where: DatabaseSettings) -> None:
    postgres.ask(where.name, 'CREATE TABLE "LiteLLM_VerificationToken" (a int)')
    with pytest.raises(NodeError, match="no list of migrations"):
        run(postgres, where, [made("1", "SELECT 1")])


def test_a_newer_database_is_let_be(postgres: Postgres, where: DatabaseSettings, capsys: pytest.CaptureFixture[str]) -> None:
    run(postgres, where, [made("1", "SELECT 1"), made("2", "SELECT 1")])
    assert run(postgres, where, [made("1", "SELECT 1")]) == 0
    assert '"event": "database-ahead", "migrations": 1, "newest": "2"' in capsys.readouterr().err


def test_a_lock_that_is_never_given_back_ends_the_wait(postgres: Postgres, where: DatabaseSettings) -> None:
    with (
        migration.connect(where, postgres.password) as one,
        migration.connect(where, postgres.password) as two,
        migration.fleet_lock(one),
        pytest.raises(NodeError, match="held the lock"),
        migration.fleet_lock(two, within=0.1),
    ):
        pass


def test_a_database_that_comes_late_is_waited_for(postgres: Postgres, where: DatabaseSettings) -> None:
    postgres.stop()
    timer = threading.Timer(1.0, postgres.start)
    timer.start()
    try:
        with migration.connect(where, postgres.password, within=20) as connection:
            assert connection.info.status == psycopg.pq.ConnStatus.OK
    finally:
        timer.join()


def test_a_wrong_password_is_told_without_it(postgres: Postgres, where: DatabaseSettings) -> None:
    with pytest.raises(NodeError, match="password authentication failed") as caught:
        migration.connect(where, "canary", within=0)
    assert "canary" not in str(caught.value)
