"""A provider that speaks OpenAI's formats and Anthropic's messages, remembers what it was asked, and can be slow."""

from __future__ import annotations

import json
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

USAGE = {"prompt_tokens": 1, "completion_tokens": 1, "total_tokens": 2}


class Provider:
    def __init__(self) -> None:
        self.asked: list[tuple[dict[str, str], dict[str, Any]]] = []
        self.pause = 0.0  # between the parts of a stream
        self.usage = USAGE
        self.failing: set[str] = set()  # models that answer 500
        provider = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                body = json.loads(self.rfile.read(int(self.headers["content-length"])))
                provider.asked.append(({name.lower(): value for name, value in self.headers.items()}, body))
                if body.get("model") in provider.failing:
                    self._reply({"error": {"message": "the provider is ill"}}, 500)
                elif self.path.endswith("/embeddings"):
                    data = [{"object": "embedding", "index": 0, "embedding": [0.1, 0.2]}]
                    self._reply({"object": "list", "data": data, "usage": {"prompt_tokens": 1, "total_tokens": 1}})
                elif self.path.endswith("/responses"):
                    text = {"type": "output_text", "text": "hello", "annotations": []}
                    item = {"type": "message", "id": "m-1", "role": "assistant", "status": "completed", "content": [text]}
                    usage = {"input_tokens": 1, "output_tokens": 1, "total_tokens": 2}
                    self._reply(
                        {"object": "response", "created_at": 1, "status": "completed", "output": [item], "usage": usage}
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

            def _reply(self, value: dict[str, Any], status: int = 200) -> None:
                content = json.dumps({"id": "chat-1", "created": 1, "model": "m", **value}).encode()
                self.send_response(status)
                self.send_header("content-type", "application/json")
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
        self._server.shutdown()
        self._server.server_close()
