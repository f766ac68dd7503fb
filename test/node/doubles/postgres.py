"""A PostgreSQL of our own: on 127.0.0.1, in a temporary folder, with a password, gone afterwards."""

from __future__ import annotations

import os
import secrets
import shutil
import socket
import subprocess
import tempfile
from pathlib import Path

import psycopg

from doubles.certificate import Certificate


def find() -> Path | None:
    """The newest PostgreSQL's programs on this computer."""
    if shutil.which("initdb"):
        return Path(str(shutil.which("initdb"))).resolve().parent
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda path: int(path.parts[-3]))
    return found[-1].parent if found else None


def free_port() -> int:
    with socket.socket() as channel:
        channel.bind(("127.0.0.1", 0))
        return int(channel.getsockname()[1])


class Postgres:
    """With a certificate it speaks TLS too."""

    def __init__(self, programs: Path, certificate: Certificate | None = None) -> None:
        self.programs, self.port, self.password = programs, free_port(), secrets.token_hex(16)
        self.folder = Path(tempfile.mkdtemp(prefix="aigw-postgres-"))
        # PostgreSQL refuses to run as root: its own user does
        self._user = ["setpriv", "--reuid=postgres", "--regid=postgres", "--clear-groups"] if os.geteuid() == 0 else []
        if self._user:
            shutil.chown(self.folder, "postgres", "postgres")
        word = self.folder / "password"
        word.write_text(self.password)
        if self._user:
            shutil.chown(word, "postgres")
        self._run("initdb", "-D", self.data, "-U", "litellm", "--auth=scram-sha-256", f"--pwfile={word}", "--no-sync")
        self._tls = ""
        if certificate:
            self._tls = (
                f" -c ssl=on -c ssl_cert_file={self._own(certificate.file)} -c ssl_key_file={self._own(certificate.key)}"
            )
        self.start()

    def _own(self, file: Path) -> Path:
        """A copy that only the server's user reads, as the server demands of a key."""
        copy = Path(shutil.copy(file, self.folder))
        copy.chmod(0o600)
        if self._user:
            shutil.chown(copy, "postgres")
        return copy

    @property
    def data(self) -> str:
        return str(self.folder / "data")

    def _run(self, program: str, *arguments: str) -> None:
        log = self.folder / "commands.log"
        with log.open("ab") as out:  # pg_ctl's server would keep a pipe open
            command = [*self._user, str(self.programs / program), *arguments]
            subprocess.run(command, cwd="/", check=True, stdout=out, stderr=out)

    def start(self) -> None:
        options = f"-p {self.port} -k {self.folder} -c listen_addresses=127.0.0.1 -c fsync=off{self._tls}"
        self._run("pg_ctl", "-D", self.data, "-o", options, "-l", str(self.folder / "log"), "-w", "start")

    def stop(self) -> None:
        self._run("pg_ctl", "-D", self.data, "-m", "immediate", "-w", "stop")

    def create(self, name: str) -> None:
        self.ask("postgres", f'CREATE DATABASE "{name}"')

    def ask(self, database: str, query: str) -> list[tuple[object, ...]]:
        with psycopg.connect(
            host="127.0.0.1", port=self.port, user="litellm", password=self.password, dbname=database, autocommit=True
        ) as connection:
            cursor = connection.execute(query)  # type: ignore[call-overload]
            return list(cursor.fetchall()) if cursor.description else []

    def remove(self) -> None:
        self.stop()
        shutil.rmtree(self.folder, ignore_errors=True)
