"""A provider of any kind that answers as it is told to, and deployments of LiteLLM's that ask it."""

from __future__ import annotations

import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


class Stub:
    """Answers each request with what a test wants."""

    def __init__(self) -> None:
        self.answers: list[tuple[int, dict[str, str], Any]] = []  # the last one again and again
        self.asked = 0
        stub = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                self._read()
                stub.asked += 1
                status, headers, body = stub.answers.pop(0) if len(stub.answers) > 1 else stub.answers[0]
                content = body if isinstance(body, bytes) else json.dumps(body).encode()
                self.send_response(status)
                for name, value in {
                    "content-length": str(len(content)),
                    "content-type": "application/json",
                    **headers,
                }.items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(content)

            def _read(self) -> None:
                if length := self.headers["content-length"]:
                    self.rfile.read(int(length))
                    return
                while size := int(self.rfile.readline(), 16):  # in chunks, as LiteLLM sends files
                    self.rfile.read(size + 2)
                self.rfile.readline()

            def log_message(self, *_: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        self.url = f"http://127.0.0.1:{self._server.server_port}"

    def stop(self) -> None:
        self._server.shutdown()
        self._server.server_close()


def deployment(kind: str, url: str) -> dict[str, Any]:
    return {
        "openai": {"model": "openai/gpt-4o", "api_base": f"{url}/v1"},
        "dashscope": {"model": "dashscope/qwen-plus", "api_base": f"{url}/v1"},
        "deepseek": {"model": "deepseek/deepseek-chat", "api_base": f"{url}/v1"},
        "vllm": {"model": "hosted_vllm/qwen", "api_base": f"{url}/v1"},
        "azure": {"model": "azure/gpt-4o", "api_base": url, "api_version": "2024-10-21"},
        "anthropic": {"model": "anthropic/claude-3-5-haiku-20241022", "api_base": url},
        "cohere": {"model": "cohere_chat/command-r", "api_base": f"{url}/v2/chat"},
        "bedrock": {
            "model": "bedrock/anthropic.claude-3-haiku-20240307-v1:0",
            "api_base": url,
            "aws_access_key_id": "a",
            "aws_secret_access_key": "b",
            "aws_region_name": "us-east-1",
        },
    }[kind] | ({} if kind == "bedrock" else {"api_key": "k"})
