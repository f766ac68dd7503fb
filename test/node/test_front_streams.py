"""Streams on their way to a caller: whole events, a sign of life between them, errors in the form of the route."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Sequence
from typing import Any

import pytest
from aigw_node.front.answer import COMMENT, Answer
from aigw_node.front.exchange import Exchange
from aigw_node.front.routes import SPECS

SPEC = {spec.path: spec for spec in reversed(SPECS)}
CHAT, MESSAGES, RESPONSES = "/v1/chat/completions", "/v1/messages", "/v1/responses"
START = {"type": "http.response.start", "status": 200, "headers": [(b"content-type", b"text/event-stream; charset=utf-8")]}


async def streamed(
    path: str, chunks: Sequence[bytes], *, pause: float = 0, fails: bool = False, **options: Any
) -> tuple[list[bytes], bool]:
    """The parts that a caller gets, and whether the answer ended."""
    sent: list[Any] = []

    async def send(message: Any) -> None:
        sent.append(message)

    async with Answer(Exchange("call-1", SPEC[path], stream=True), send, **options) as answer:
        await answer.send(START)
        for chunk in chunks:
            await answer.send({"type": "http.response.body", "body": chunk, "more_body": True})
            await asyncio.sleep(pause)
        if fails:
            raise ValueError("http://inner.internal")
        await answer.send({"type": "http.response.body", "body": b"", "more_body": False})
    parts = [message for message in sent if message["type"] == "http.response.body"]
    return [part["body"] for part in parts], not parts[-1].get("more_body", False)


@pytest.mark.parametrize("end", [b"\n\n", b"\r\n\r\n", b"\r\r"])
async def test_an_event_passes_as_soon_as_it_is_whole(end: bytes) -> None:
    parts, _ = await streamed(CHAT, [b"data: 1", end, b"data: 2" + end, b"data: 3" + end[:1], end[1:]])
    assert parts[0] == b"data: 1" + end
    assert parts[1] == b"data: 2" + end
    assert b"".join(parts) == b"".join(b"data: %d" % number + end for number in (1, 2, 3))


@pytest.mark.parametrize("size", [10, 1 << 20, 3 << 20])
async def test_a_comment_never_falls_into_an_event(size: int) -> None:
    whole = b"data: " + b"x" * size + b"\n\n"
    cut = len(whole) - 5
    parts, _ = await streamed(CHAT, [b"data: 0\n\n", whole[:cut], whole[cut:]], pause=0.1, silence=0.03)
    body = b"".join(parts)
    assert COMMENT in body
    assert body.replace(COMMENT, b"") == b"data: 0\n\n" + whole
    assert whole in body


def error_of(parts: list[bytes]) -> dict[str, Any]:
    events = [event for event in b"".join(parts).split(b"\n\n") if b"rror" in event]
    assert len(events) == 1
    lines = dict(line.split(b": ", 1) for line in events[0].split(b"\n"))
    value: dict[str, Any] = json.loads(lines[b"data"])
    return {"event": lines.get(b"event"), **value}


async def test_a_providers_error_in_a_stream_of_messages_keeps_its_type() -> None:
    said = {"type": "error", "error": {"type": "overloaded_error", "message": "Overloaded at http://inner.internal:80"}}
    parts, _ = await streamed(MESSAGES, [b"event: error\ndata: " + json.dumps(said).encode() + b"\n\n"])
    told = error_of(parts)
    assert (told["event"], told["type"], told["error"]["type"]) == (b"event: error"[7:], "error", "overloaded_error")
    assert told["error"]["message"].startswith("Overloaded") and "inner" not in told["error"]["message"]


async def test_an_error_in_openais_form_is_anthropics_on_its_routes() -> None:
    said = {"error": {"message": "slow down", "type": "throttling_error", "code": "429", "param": None}}
    told = error_of((await streamed(MESSAGES, [b"data: " + json.dumps(said).encode() + b"\n\n"]))[0])
    assert (told["event"], told["type"], told["error"]) == (
        b"error",
        "error",
        {"type": "rate_limit_error", "message": "slow down"},
    )


async def test_a_providers_error_in_a_chat_keeps_its_words_and_code() -> None:
    said = {"error": {"message": "litellm.APIError: slow at 10.0.0.7", "type": "tokens", "code": "rate_limit_exceeded"}}
    error = error_of((await streamed(CHAT, [b"data: " + json.dumps(said).encode() + b"\n\n"]))[0])["error"]
    assert (error["type"], error["code"]) == ("tokens", "rate_limit_exceeded")
    assert error["message"].startswith("slow at") and "10.0.0.7" not in error["message"]


async def test_an_error_event_of_responses_is_cleaned_in_its_own_form() -> None:
    said = {
        "type": "error",
        "code": "server_error",
        "message": "litellm.X at http://inner.internal",
        "param": None,
        "sequence_number": 7,
    }
    told = error_of((await streamed(RESPONSES, [b"event: error\ndata: " + json.dumps(said).encode() + b"\n\n"]))[0])
    assert (told["type"], told["code"], told["sequence_number"]) == ("error", "server_error", 7)
    assert "inner" not in told["message"] and "litellm" not in told["message"]


async def test_a_failed_response_keeps_its_words_and_code() -> None:
    error = {"code": "rate_limit_exceeded", "message": "slow down at http://inner.internal"}
    said = {
        "type": "response.failed",
        "sequence_number": 3,
        "response": {"id": "resp_1", "status": "failed", "error": error},
    }
    told = error_of(
        (await streamed(RESPONSES, [b"event: response.failed\ndata: " + json.dumps(said).encode() + b"\n\n"]))[0]
    )
    assert told["response"]["error"]["code"] == "rate_limit_exceeded"
    assert (
        told["response"]["error"]["message"].startswith("slow down") and "inner" not in told["response"]["error"]["message"]
    )


@pytest.mark.parametrize("path", [CHAT, MESSAGES, RESPONSES])
@pytest.mark.parametrize("begun", [b"data: 1\n\n", b"data: 1\n\ndata: hal"])
async def test_a_stream_that_breaks_ends_with_an_error(path: str, begun: bytes, capsys: pytest.CaptureFixture[str]) -> None:
    parts, ended = await streamed(path, [begun], fails=True)
    assert ended
    assert parts[0] == b"data: 1\n\n"
    told = error_of(parts[1:])
    assert told.get("type") == {CHAT: None, MESSAGES: "error", RESPONSES: "error"}[path]
    assert "inner" not in json.dumps(list(map(str, parts))) + capsys.readouterr().err


async def test_a_redirect_is_an_error() -> None:
    sent: list[Any] = []

    async def send(message: Any) -> None:
        sent.append(message)

    async with Answer(Exchange("call-1", SPEC[CHAT]), send) as answer:
        await answer.send(
            {"type": "http.response.start", "status": 307, "headers": [(b"location", b"http://inner.internal")]}
        )
        await answer.send({"type": "http.response.body", "body": b""})
    assert sent[0]["status"] == 502
    assert b"inner" not in repr(sent).encode()
