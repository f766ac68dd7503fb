"""Prisma's query engine: a program of its own beside LiteLLM. Got once at install, and started without secrets in its
environment (which any process of the same user, and a crash report, can read)."""

from __future__ import annotations

import gzip
import hashlib
import json
import os
import re
import secrets
import subprocess
import urllib.request
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from aigw_node.errors import NodeError

DEFAULT_MIRROR = "https://binaries.prisma.sh"
DATASOURCE_URL = re.compile(r'(url\s*=\s*)env\("DATABASE_URL"\)')
# The variables that the engine and its loader need; everything else stays with LiteLLM.
KEPT = re.compile(r"PRISMA_.*|RUST_.*|LOG_QUERIES|PATH|HOME|LANG|LC_.*|TZ|TMPDIR|LD_LIBRARY_PATH|SSL_CERT_.*")


def fetch(mirror: str, commit: str, target: str, sha256: str | None, out: Path) -> None:
    """Downloads the engine of one commit and system. Without a pinned sha256 the mirror's own .sha256 file is held
    against it, which finds a damaged download but not a dishonest mirror."""
    url = f"{mirror.rstrip('/')}/all_commits/{commit}/{target}/query-engine.gz"
    try:
        with urllib.request.urlopen(url, timeout=120) as reply:
            packed: bytes = reply.read()
        if not sha256:
            with urllib.request.urlopen(url + ".sha256", timeout=30) as reply:
                sha256 = reply.read().decode().split()[0]
    except OSError as error:
        raise NodeError(f"query engine: cannot get {url}: {error}") from None
    if hashlib.sha256(packed).hexdigest() != sha256:
        raise NodeError(f"query engine: {url} does not have the sha256 {sha256}")
    out.parent.mkdir(parents=True, exist_ok=True)
    work = out.with_suffix(".part")
    work.write_bytes(gzip.decompress(packed))
    work.chmod(0o755)
    work.replace(out)


def engine_environment(environment: dict[str, str]) -> dict[str, str]:
    return {name: value for name, value in environment.items() if KEPT.fullmatch(name)}


def _datamodel_in_memory(path: str, url: str, token: str) -> int:
    """The datamodel with the database's URL and the token written into it, as a file that has no name and is on no disk."""
    text = Path(path).read_text(encoding="utf-8")
    text, count = DATASOURCE_URL.subn(lambda match: match.group(1) + json.dumps(url), text)
    if count != 1:
        raise NodeError("query engine: Prisma's schema does not read its URL from DATABASE_URL")
    descriptor = os.memfd_create("datamodel")
    with os.fdopen(os.dup(descriptor), "wb") as file:
        # A comment for the native engine, which asks for none.
        file.write(f"// token: {token}\n{text}".encode())
    return descriptor


def hide_secrets_from_engine() -> None:
    """Changes how the Prisma client starts its engine: a short environment, URL and token through an open file. With each
    request it sends the token and says that it is JSON, which a page in a browser can not without being asked first."""
    from prisma.engine import _http, _query, utils

    token = secrets.token_hex(32)
    build = _http.BaseHTTPEngine._build_request

    def build_with_token(engine: _http.BaseHTTPEngine, **request: Any) -> tuple[str, dict[str, Any]]:
        url, options = build(engine, **request)
        options["headers"] |= {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
        return url, options

    def ask(arguments: list[str], **options: Any) -> subprocess.CompletedProcess[bytes]:
        """What the client asks of the engine before it starts it: its version."""
        return subprocess.run(
            arguments, env=engine_environment(dict(os.environ)), check=options.pop("check", False), **options
        )

    def start(arguments: list[str], *, env: dict[str, str], **options: Any) -> subprocess.Popen[bytes]:
        url = env["DATABASE_URL"]
        descriptor = _datamodel_in_memory(env["PRISMA_DML_PATH"], url, token)
        try:
            short = {**engine_environment(env), "PRISMA_DML_PATH": f"/proc/self/fd/{descriptor}"}
            return subprocess.Popen(arguments, env=short, pass_fds=(descriptor,), **options)
        finally:
            os.close(descriptor)

    _http.BaseHTTPEngine._build_request = build_with_token
    _query.subprocess = SimpleNamespace(Popen=start, TimeoutExpired=subprocess.TimeoutExpired)
    utils.subprocess = SimpleNamespace(run=ask, PIPE=subprocess.PIPE)
