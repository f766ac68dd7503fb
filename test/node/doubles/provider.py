"""A provider that speaks OpenAI's formats, Anthropic's messages and Cohere's rerank, remembers what it was asked, and can be
slow or fail."""

from __future__ import annotations

import json
import threading
import time
from email.parser import BytesParser
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

IMAGE_USAGE = {"input_tokens": 3, "output_tokens": 4}
USAGE = {"prompt_tokens": 1, "completion_tokens": 1, "total_tokens": 2}


class Provider:
    def __init__(self) -> None:
        self.asked: list[tuple[dict[str, str], dict[str, Any]]] = []
        self.pause = 0.0  # between the parts of a stream
        self.usage = USAGE
        self.errors: dict[str, tuple[int, dict[str, Any]]] = {}  # models, and the error that they answer with
        self.failing: dict[str, int] = {}  # models, and the status that they answer with; 0: none, for ever
        self.accepted: set[str] | None = None  # the keys that are good; None: any is
        self.well = threading.Event()  # ends what hangs
        provider = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                if self._is_accepted() and self.path.endswith("/models"):
                    self._reply({"object": "list", "data": []})
                else:
                    self._fail(404 if self._is_accepted() else 401)

            def do_POST(self) -> None:
                body = self._body()
                provider.asked.append(({name.lower(): value for name, value in self.headers.items()}, body))
                if not self._is_accepted():
                    self._fail(401)
                elif error := provider.errors.get(str(body.get("model"))):
                    self._send(json.dumps(error[1]).encode(), "application/json", error[0])
                elif (status := provider.failing.get(body.get("model"))) is not None:
                    self._fail(status)
                elif self.path.endswith("/count_tokens"):
                    self._reply({"input_tokens": 7})
                elif self.path.endswith("/images/generations"):
                    self._reply({"data": [{"b64_json": "aGVsbG8="}], "usage": {**IMAGE_USAGE, "total_tokens": 7}})
                elif self.path.endswith("/audio/speech"):
                    self._send(b"sound", "audio/mpeg")
                elif self.path.endswith("/audio/transcriptions"):
                    self._reply({"text": "hello"})
                elif self.path.endswith("/moderations"):
                    found = {"flagged": False, "categories": {}, "category_scores": {}, "category_applied_input_types": {}}
                    self._reply({"results": [found]})
                elif self.path.endswith("/rerank"):
                    found = [{"index": 0, "relevance_score": 0.9}]
                    self._reply({"results": found, "meta": {"billed_units": {"search_units": 1}}})
                elif self.path.endswith("/embeddings"):
                    data = [{"object": "embedding", "index": 0, "embedding": [0.1, 0.2]}]
                    self._reply({"object": "list", "data": data, "usage": {"prompt_tokens": 1, "total_tokens": 1}})
                elif self.path.endswith("/responses"):
                    text = {"type": "output_text", "text": "hello", "annotations": []}
                    item = {"type": "message", "id": "m-1", "role": "assistant", "status": "completed", "content": [text]}
                    usage = {"input_tokens": 1, "output_tokens": 1, "total_tokens": 2}
                    self._reply(
                        {
                            "id": "resp_upstream",
                            "object": "response",
                            "created_at": 1,
                            "status": "completed",
                            "output": [item],
                            "usage": usage,
                        }
                    )
                elif self.path.endswith("/messages"):
                    usage = {"input_tokens": 1, "output_tokens": 1}
                    said = {"type": "message", "role": "assistant", "content": [{"type": "text", "text": "hello"}]}
                    self._reply({**said, "stop_reason": "end_turn", "stop_sequence": None, "usage": usage})
                elif body.get("stream"):
                    self._stream()
                else:
                    message = {"role": "assistant", "content": "hello"}
                    choice = {"index": 0, "message": message, "finish_reason": "stop"}
                    self._reply({"object": "chat.completion", "choices": [choice], "usage": provider.usage})

            def _is_accepted(self) -> bool:
                key = self.headers.get("authorization", "").removeprefix("Bearer ")
                return provider.accepted is None or key in provider.accepted

            def _body(self) -> dict[str, Any]:
                content = self.rfile.read(int(self.headers["content-length"]))
                if self.headers["content-type"].startswith("application/json"):
                    return dict(json.loads(content))
                # a form: its text fields are enough
                parts = BytesParser().parsebytes(
                    b"content-type: " + self.headers["content-type"].encode() + b"\n\n" + content
                )
                fields = [part for part in parts.walk() if not part.is_multipart()]
                names = [str(part.get_param("name", header="content-disposition")) for part in fields]
                return {name: part.get_payload() for name, part in zip(names, fields, strict=True)}

            def _fail(self, status: int) -> None:
                if status == 0:
                    provider.well.wait(60)
                    self.close_connection = True
                    return
                # as OpenAI's own words repeat a part of the key
                said = f"Incorrect API key provided: {self.headers['authorization'][7:21]}***"
                self._reply({"error": {"message": said if status == 401 else "the provider is ill"}}, status)

            def _reply(self, value: dict[str, Any], status: int = 200) -> None:
                content = json.dumps({"id": "chat-1", "created": 1, "model": "m", **value}).encode()
                self._send(content, "application/json", status)

            def _send(self, content: bytes, kind: str, status: int = 200) -> None:
                self.send_response(status)
                self.send_header("content-type", kind)
                self.send_header("content-length", str(len(content)))
                self.end_headers()
                self.wfile.write(content)

            def _stream(self) -> None:
                self.send_response(200)
                self.send_header("content-type", "text/event-stream")
                self.send_header("connection", "close")
                self.end_headers()
                for index in range(6):
                    choice = {"index": 0, "delta": {"content": f"part-{index} "}, "finish_reason": None}
                    chunk = {
                        "id": "chat-1",
                        "object": "chat.completion.chunk",
                        "created": 1,
                        "model": "m",
                        "choices": [choice],
                    }
                    self.wfile.write(b"data: " + json.dumps(chunk).encode() + b"\n\n")
                    time.sleep(provider.pause)
                self.wfile.write(b"data: [DONE]\n\n")
                self.close_connection = True

            def log_message(self, *arguments: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}/v1"
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()

    def keys(self) -> list[str]:
        return [headers["authorization"].removeprefix("Bearer ") for headers, _ in self.asked]

    def stop(self) -> None:
        self.well.set()
        self._server.shutdown()
        self._server.server_close()
