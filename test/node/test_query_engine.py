from __future__ import annotations

import gzip
import hashlib
import json
import os
import sys
from pathlib import Path

import pytest
from aigw_node import prisma_client, query_engine
from aigw_node.__main__ import main
from aigw_node.errors import NodeError

PACKED = gzip.compress(b"#!/bin/sh\necho engine\n")
DIGEST = hashlib.sha256(PACKED).hexdigest()


@pytest.fixture
def mirror(tmp_path: Path) -> str:
    """A mirror in Prisma's layout; urllib reads file: URLs as well."""
    folder = tmp_path / "mirror/all_commits/c0ffee/debian-openssl-3.0.x"
    folder.mkdir(parents=True)
    (folder / "query-engine.gz").write_bytes(PACKED)
    (folder / "query-engine.gz.sha256").write_text(f"{DIGEST}  query-engine.gz\n")
    return (tmp_path / "mirror").as_uri() + "/"


@pytest.mark.parametrize("pin", [DIGEST, None])
def test_the_engine_is_checked_unpacked_and_executable(mirror: str, tmp_path: Path, pin: str | None) -> None:
    out = tmp_path / "engine-c0ffee/query-engine"
    query_engine.fetch(mirror, "c0ffee", "debian-openssl-3.0.x", pin, out)
    assert out.read_bytes() == b"#!/bin/sh\necho engine\n"
    assert os.access(out, os.X_OK)
    assert [path.name for path in out.parent.iterdir()] == ["query-engine"]


def test_another_engine_than_the_pinned_one_is_refused(
    mirror: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    client, out = tmp_path / "client.json", tmp_path / "query-engine"
    client.write_text('{"engine": "c0ffee"}')
    arguments = ["--client", str(client), "--mirror", mirror, "--target", "debian-openssl-3.0.x", "--out", str(out)]
    assert main(["query-engine", *arguments, "--sha256", "0" * 64]) == 1
    assert "does not have the sha256 000" in capsys.readouterr().err
    assert not out.exists()


def test_a_mirror_without_it_is_named(mirror: str, tmp_path: Path) -> None:
    with pytest.raises(NodeError, match=r"rhel-openssl-3\.0\.x/query-engine\.gz"):
        query_engine.fetch(mirror, "c0ffee", "rhel-openssl-3.0.x", None, tmp_path / "query-engine")


def test_the_engine_starts_without_secrets_in_its_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from prisma.engine import _http, _query, utils

    monkeypatch.setattr(_query, "subprocess", _query.subprocess)
    monkeypatch.setattr(utils, "subprocess", utils.subprocess)
    monkeypatch.setattr(_http.BaseHTTPEngine, "_build_request", _http.BaseHTTPEngine._build_request)
    query_engine.hide_secrets_from_engine()
    schema, out = tmp_path / "schema.prisma", tmp_path / "out"
    schema.write_text('datasource client {\n  provider = "postgresql"\n  url      = env("DATABASE_URL")\n}\n')
    url = 'postgresql://u:can"ary@db/x'
    show = (
        "import json, os, pathlib, sys;"
        "pathlib.Path(sys.argv[1]).write_text(json.dumps([dict(os.environ), open(os.environ['PRISMA_DML_PATH']).read()]))"
    )
    environment = {**os.environ, "DATABASE_URL": url, "AIGW_OPENAI_API_KEY": "canary", "PRISMA_DML_PATH": str(schema)}
    _query.subprocess.Popen([sys.executable, "-c", show, str(out)], env=environment).wait()
    seen, text = json.loads(out.read_text())
    assert "canary" not in json.dumps(seen)
    assert "DATABASE_URL" not in seen
    assert "LITELLM_MASTER_KEY" not in seen
    assert json.loads(text.split("url      = ")[1].split("\n")[0]) == url
    # What the engine asks for it is told where the URL is, and the client sends it with everything.
    token = text.split("\n")[0].removeprefix("// token: ")
    assert len(token) == 64
    assert token not in json.dumps(seen)
    client = _http.BaseHTTPEngine(url="http://localhost:1")
    for method, content in (("GET", None), ("POST", "{}")):
        _, sent = client._build_request(path="/", method=method, content=content, headers={"X-a": "b"}, parse_response=True)
        assert sent["headers"] == {
            "Accept": "application/json",
            "X-a": "b",
            "Authorization": f"Bearer {token}",
            "Content-Type": "application/json",
        }


def test_the_engine_is_asked_for_its_version_without_secrets_in_its_environment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from prisma.engine import _http, _query, utils

    monkeypatch.setattr(_query, "subprocess", _query.subprocess)
    monkeypatch.setattr(utils, "subprocess", utils.subprocess)
    monkeypatch.setattr(_http.BaseHTTPEngine, "_build_request", _http.BaseHTTPEngine._build_request)
    engine, out = tmp_path / "query-engine", tmp_path / "out"
    engine.write_text(f"#!/bin/sh\nenv > {out}\necho query-engine 1\n")
    engine.chmod(0o755)
    for name, value in {"PRISMA_QUERY_ENGINE_BINARY": str(engine), "AIGW_OPENAI_API_KEY": "canary"}.items():
        monkeypatch.setenv(name, value)
    query_engine.hide_secrets_from_engine()
    assert utils.ensure({}) == engine
    assert "PRISMA_QUERY_ENGINE_BINARY" in out.read_text()
    assert "canary" not in out.read_text()


def test_the_recorded_client_is_of_the_locked_litellm(files: Path) -> None:
    recorded = prisma_client.read(files / "prisma-client.json")
    schema = prisma_client._schema()
    assert recorded["schemaSha256"] == hashlib.sha256(schema.read_bytes()).hexdigest()
    assert (
        f"litellm=={__import__('importlib.metadata', fromlist=['version']).version('litellm')} \\"
        in (files / "requirements.lock").read_text()
    )


def test_a_client_of_another_litellm_is_refused(files: Path, tmp_path: Path) -> None:
    other = tmp_path / "prisma-client.json"
    other.write_text(json.dumps({**prisma_client.read(files / "prisma-client.json"), "schemaSha256": "0"}))
    with pytest.raises(NodeError, match="recorded for another LiteLLM"):
        prisma_client.make(other)


def test_no_lock_names_a_host(files: Path) -> None:
    for path in (files / "requirements.lock", Path(__file__).parent / "requirements.lock"):
        assert "://" not in path.read_text()
