from __future__ import annotations

import os
import secrets
import shutil
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from booting import query_engine
from doubles.certificate import certificate
from doubles.cloud import Cloud
from doubles.moto import Moto
from doubles.postgres import Postgres, find
from doubles.redis import Redis
from quickstart import REGIONS, Surroundings
from support import lacking
from synthesized import synthesize

os.environ["LITELLM_LOCAL_MODEL_COST_MAP"] = "True"  # as on a node; else it is looked for in the internet
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


@pytest.fixture(scope="session")
def out(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The quickstart's synthesized stacks."""
    folder = tmp_path_factory.mktemp("out")
    synthesize("examples/quickstart/main.ts", folder)
    return folder / "stacks"


@pytest.fixture(scope="session")
def surroundings(out: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Surroundings]:
    engine, programs, redis_server = query_engine(), find(), shutil.which("redis-server")
    if programs is None or redis_server is None:
        lacking("PostgreSQL's initdb or redis-server is not on this computer")
    folder = tmp_path_factory.mktemp("surroundings")
    own = certificate(folder)
    with ExitStack() as ends:
        postgres = Postgres(programs, own)
        ends.callback(postgres.remove)
        redis = Redis(redis_server, folder, own)
        ends.callback(redis.remove)
        yield Surroundings(out, engine, own, postgres, redis)


@pytest.fixture(scope="module")
def moto() -> Iterator[Moto]:
    moto = Moto(REGIONS["aws"])
    yield moto
    moto.stop()
