from __future__ import annotations

import secrets
from collections.abc import Iterator
from pathlib import Path

import pytest

from doubles.cloud import Cloud
from doubles.postgres import Postgres, find
from support import lacking

FILES = Path(__file__).resolve().parents[2] / "src" / "node" / "files"


@pytest.fixture
def files() -> Path:
    return FILES


@pytest.fixture(params=["aws", "alicloud"])
def cloud(request: pytest.FixtureRequest) -> Iterator[Cloud]:
    cloud = Cloud(request.param, {"aws": "eu-west-1", "alicloud": "cn-shanghai"}[request.param])
    stop = cloud.start()
    yield cloud
    stop()


@pytest.fixture(scope="session")
def postgres() -> Iterator[Postgres]:
    programs = find()
    if programs is None:
        lacking("PostgreSQL's initdb is not on this computer")
    server = Postgres(programs)
    yield server
    server.remove()


@pytest.fixture
def database(postgres: Postgres) -> str:
    """The name of an empty database."""
    name = f"gateway_{secrets.token_hex(4)}"
    postgres.create(name)
    return name
