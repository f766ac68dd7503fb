"""A provider that answers as none should. What it does is the first part of the path: `{url}/redirect/v1`.

Its own memory is bounded: a long answer is one small piece, sent again and again until nobody reads it."""

from __future__ import annotations

import contextlib
import threading
import time
import zlib
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

PIECE = b"a" * (64 << 10)
LONG = 300 << 20


class Misbehaving:
    def __init__(self) -> None:
        self.asked: list[tuple[str, str]] = []  # method and path
        self.sent = 0  # bytes of long answers
        self.elsewhere = ""  # where the redirect leads to
        double = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                double.asked.append((self.command, self.path))
                self.rfile.read(int(self.headers.get("content-length", 0)))
                self.close_connection = True
                with contextlib.suppress(OSError):
                    getattr(self, "_" + self.path.split("/")[1])()

            do_POST = do_GET

            def _head(self, status: int, *headers: tuple[str, str]) -> None:
                self.send_response(status)
                for name, value in (*headers, ("connection", "close")):
                    self.send_header(name, value)
                self.end_headers()

            def _whole(self, content: bytes, *headers: tuple[str, str]) -> None:
                self._head(200, ("content-length", str(len(content))), ("content-type", "application/json"), *headers)
                self.wfile.write(content)

            def _again_and_again(self, piece: bytes, pause: float = 0.0) -> None:
                for _ in range(LONG // len(piece)):
                    self.wfile.write(piece)
                    double.sent += len(piece)
                    time.sleep(pause)

            def _good(self) -> None:
                self._whole(b'{"choices": [{"index": 0, "message": {"role": "assistant", "content": "hello"}}]}')

            def _redirect(self) -> None:
                self._head(307, ("location", double.elsewhere), ("content-length", "0"))

            def _told(self) -> None:
                self._head(200, ("content-length", str(LONG)), ("content-type", "application/json"))
                self._again_and_again(PIECE)

            def _long(self) -> None:
                self._head(200, ("content-type", "application/json"))
                self._again_and_again(PIECE)

            def _error(self) -> None:
                self._head(400, ("content-type", "application/json"))
                self._again_and_again(PIECE)

            def _line(self) -> None:
                self._head(200, ("content-type", "text/event-stream"))
                self.wfile.write(b'data: {"choices": [{"index": 0, "delta": {"content": "hello"}}]}\n\ndata: ')
                self._again_and_again(PIECE)

            def _lines(self) -> None:
                self._head(200, ("content-type", "text/event-stream"))
                self._again_and_again((b": " + PIECE[:1000] + b"\n\n") * 64)

            def _sound(self) -> None:
                self._head(200, ("content-type", "audio/mpeg"), ("content-length", str(8 << 20)))
                for _ in range((8 << 20) // len(PIECE)):
                    self.wfile.write(PIECE)

            def _slow(self) -> None:
                self._head(200, ("content-type", "application/json"))
                self._again_and_again(b" ", 0.05)

            def _headers(self) -> None:
                self._whole(b"{}", *((f"x-{number}", "a") for number in range(400)))

            def _head64(self) -> None:
                self._whole(b"{}", *((f"x-{number}", "a" * 4000) for number in range(20)))

            def _bomb(self) -> None:
                packer = zlib.compressobj(9, wbits=31)
                self._head(200, ("content-type", "application/json"), ("content-encoding", "gzip"))
                for _ in range(LONG // len(PIECE)):
                    self.wfile.write(packer.compress(PIECE))
                self.wfile.write(packer.flush())

            def _packed(self) -> None:
                content = zlib.compressobj(wbits=31)
                self._whole(content.compress(PIECE * 20) + content.flush(), ("content-encoding", "gzip"))

            def _foreign(self) -> None:
                self._whole(b"{}", ("content-encoding", "br"))

            def log_message(self, *_: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        self.url = f"http://127.0.0.1:{self._server.server_port}"

    def stop(self) -> None:
        self._server.shutdown()
        self._server.server_close()
