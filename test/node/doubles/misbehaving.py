"""A provider that misbehaves: the model's name says how. It redirects to a second server, which counts its visitors."""

from __future__ import annotations

import contextlib
import gzip
import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

MEGABYTE = b"x" * (1 << 20)


class Misbehaving:
    def __init__(self) -> None:
        self.visited: list[str] = []  # paths that were asked at the host of the redirect
        self.asked = 0
        self.sent = 0  # bytes of endless answers
        self.well = threading.Event()  # ends what hangs
        provider = self

        class Elsewhere(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                provider.visited.append(self.path)
                self.send_response(200)
                self.end_headers()

            do_POST = do_GET

            def log_message(self, *arguments: object) -> None:
                pass

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                provider.asked += 1
                body = json.loads(self.rfile.read(int(self.headers["content-length"])))
                with contextlib.suppress(ConnectionError):
                    getattr(self, "_" + str(body.get("model")).replace("-", "_"), self._good)()

            def _start(self, status: int = 200, kind: str = "application/json", **more: str) -> None:
                self.send_response(status)
                self.send_header("content-type", kind)
                for name, value in more.items():
                    self.send_header(name.replace("_", "-"), value)
                self.end_headers()

            def _good(self) -> None:
                message = {"role": "assistant", "content": "hello"}
                choice = {"index": 0, "message": message, "finish_reason": "stop"}
                usage = {"prompt_tokens": 1, "completion_tokens": 1, "total_tokens": 2}
                answer: dict[str, Any] = {"id": "c", "object": "chat.completion", "created": 1, "model": "m"}
                self._start()
                self.wfile.write(json.dumps({**answer, "choices": [choice], "usage": usage}).encode())

            def _redirect(self) -> None:
                self._start(307, location=f"{provider.elsewhere}/stolen")

            def _huge(self) -> None:
                self._start()
                self._write_300_megabytes()

            def _huge_event(self) -> None:
                self._start(kind="text/event-stream")
                self.wfile.write(b"data: ")
                self._write_300_megabytes()

            def _bomb(self) -> None:
                """A small answer that is 300 MB once it is unpacked."""
                self._start(content_encoding="gzip")
                self.wfile.write(gzip.compress(MEGABYTE * 300, 1))

            def _write_300_megabytes(self) -> None:
                for _ in range(300):
                    self.wfile.write(MEGABYTE)
                    provider.sent += len(MEGABYTE)

            def _headers(self) -> None:
                self._start(**{f"x_many_{number}": "x" for number in range(400)})

            def _trickle(self) -> None:
                """A byte now and then: no time-out between two reads ends it."""
                self._start()
                while not provider.well.wait(0.1):
                    self.wfile.write(b" ")

            def _head(self) -> None:
                """The same before the answer has begun."""
                self.wfile.write(b"HTTP/1.1 200 OK\r\n")
                number = 0
                while not provider.well.wait(0.1):
                    self.wfile.write(f"x-{(number := number + 1)}: y\r\n".encode())

            def log_message(self, *arguments: object) -> None:
                pass

        self._servers = [ThreadingHTTPServer(("127.0.0.1", 0), handler) for handler in (Handler, Elsewhere)]
        for server in self._servers:
            threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
        self.url, self.elsewhere = (f"http://127.0.0.1:{server.server_address[1]}" for server in self._servers)

    def stop(self) -> None:
        self.well.set()
        for server in self._servers:
            server.shutdown()
            server.server_close()
