"""A Redis of our own: TLS only, on 127.0.0.1, with a password, in memory, gone afterwards."""

from __future__ import annotations

import secrets
import subprocess
import time
from pathlib import Path

import redis

from doubles.certificate import Certificate
from doubles.postgres import free_port


class Redis:
    def __init__(self, program: str, folder: Path, certificate: Certificate) -> None:
        self.port, self.password = free_port(), secrets.token_hex(16)
        settings = {
            "bind": "127.0.0.1",
            "port": 0,
            "tls-port": self.port,
            "tls-cert-file": certificate.file,
            "tls-key-file": certificate.key,
            "tls-auth-clients": "no",
            "requirepass": self.password,
            "save": '""',
            "dir": folder,
        }
        (folder / "redis.conf").write_text("".join(f"{name} {value}\n" for name, value in settings.items()))
        self.certificate = certificate
        self._command, self._log = [program, str(folder / "redis.conf")], folder / "redis.log"
        self.client = redis.Redis(
            host="127.0.0.1", port=self.port, password=self.password, ssl=True, ssl_ca_certs=str(certificate.file)
        )
        self.start()

    def start(self) -> None:
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(self._command, stdout=log, stderr=log)
        deadline = time.monotonic() + 60
        while True:
            try:
                self.client.ping()
                break
            except redis.ConnectionError:
                assert self._process.poll() is None, self._log.read_text()
                assert time.monotonic() < deadline
                time.sleep(0.05)

    def stop(self) -> None:
        self._process.terminate()
        self._process.wait(10)

    def remove(self) -> None:
        self.client.close()
        self.stop()
