"""What goes back to a caller, with an app in LiteLLM's place."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from aigw_node.front import events
from aigw_node.front.answer import Answer, send_refusal
from aigw_node.front.exchange import Exchange, Failure, Rate, advise, enter, leave, refuse
from aigw_node.front.refusal import Form, Refusal
from aigw_node.front.response_ids import ResponseIds
from aigw_node.front.routes import SPECS
from fastapi import HTTPException

SPEC = {spec.path: spec for spec in reversed(SPECS)}
Send = Callable[[Any], Awaitable[None]]
SECRET_HOST = "vllm.team-a.svc.cluster.local"


class Caller:
    """What a caller receives."""

    def __init__(self, path: str = "/v1/chat/completions", **known: Any) -> None:
        self.exchange = Exchange("call-1", SPEC[path], **known)
        self.sent: list[Any] = []

    async def ask(self, app: Callable[[Send], Awaitable[None]], **options: Any) -> None:
        async def send(message: Any) -> None:
            self.sent.append(message)

        token = enter(self.exchange)
        try:
            async with Answer(self.exchange, send, **options) as answer:
                await app(answer.send)
        finally:
            leave(token)

    async def answered(self, status: int, body: Any, headers: Any = ()) -> None:
        async def app(send: Send) -> None:
            content = body if isinstance(body, bytes) else json.dumps(body).encode()
            told = [(b"content-type", b"application/json"), (b"content-length", str(len(content)).encode()), *headers]
            await send({"type": "http.response.start", "status": status, "headers": told})
            await send({"type": "http.response.body", "body": content})

        await self.ask(app)

    @property
    def status(self) -> int:
        starts = [message for message in self.sent if message["type"] == "http.response.start"]
        assert len(starts) == 1
        return int(starts[0]["status"])

    @property
    def headers(self) -> dict[str, str]:
        return {name.decode(): value.decode() for name, value in self.sent[0]["headers"]}

    @property
    def body(self) -> bytes:
        return b"".join(message.get("body", b"") for message in self.sent[1:])

    @property
    def whole(self) -> bool:
        return not self.sent[-1].get("more_body", False)


STREAM = [(b"content-type", b"text/event-stream; charset=utf-8"), (b"x-litellm-version", b"1")]


async def test_lets_only_known_headers_out_and_adds_ours() -> None:
    caller = Caller(dropped=("min_p", "b\r\nd"), rates=(Rate("requests", 60, 59, 12), Rate("tokens", 1000, 990, 12)))
    inner = [
        (b"set-cookie", b"a=b"),
        (b"openai-organization", b"org-1"),
        (b"x-litellm-model-api-base", b"https://inner"),
        (b"x-litellm-response-cost", b"1"),
        (b"llm_provider-x-request-id", b"1"),
        (b"x-ratelimit-remaining-requests", b"9999"),
        (b"server", b"uvicorn"),
        (b"date", b"now"),
    ]
    await caller.answered(200, {"ok": True}, inner)
    assert caller.headers == {
        "content-type": "application/json",
        "content-length": "12",
        "x-request-id": "call-1",
        "x-aigw-dropped": "min_p, b??d",
        "x-ratelimit-limit-requests": "60",
        "x-ratelimit-remaining-requests": "59",
        "x-ratelimit-reset-requests": "12s",
        "x-ratelimit-limit-tokens": "1000",
        "x-ratelimit-remaining-tokens": "990",
        "x-ratelimit-reset-tokens": "12s",
    }
    assert caller.body == b'{"ok": true}'


async def test_tells_anthropics_clients_their_limits_in_anthropics_form() -> None:
    caller = Caller("/v1/messages", rates=(Rate("requests", 60, 59, 12),))
    await caller.answered(200, {})
    assert caller.headers["anthropic-ratelimit-requests-limit"] == "60"
    assert caller.headers["anthropic-ratelimit-requests-remaining"] == "59"
    assert caller.headers["anthropic-ratelimit-requests-reset"].endswith("Z")


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/v1/chat/completions", {"error": {"message": "m", "type": "t", "param": None, "code": "t"}}),
        ("/v1/messages", {"type": "error", "error": {"type": "rate_limit_error", "message": "m"}}),
        ("/v2/rerank", {"message": "m"}),
    ],
)
async def test_a_refusal_is_told_in_the_words_of_the_route(path: str, body: dict[str, Any]) -> None:
    async def app(send: Send) -> None:
        try:
            refuse(Refusal(429, "m", "t", 7, {"x-more": "1"}))
        except HTTPException:
            await send({"type": "http.response.start", "status": 500, "headers": []})
            await send({"type": "http.response.body", "body": b"LiteLLM's own"})

    caller = Caller(path)
    await caller.ask(app)
    assert (caller.status, json.loads(caller.body)) == (429, body)
    assert (caller.headers["retry-after"], caller.headers["x-more"], caller.headers["x-request-id"]) == ("7", "1", "call-1")


@pytest.mark.parametrize(
    ("status", "own", "said"), [(429, [], "9"), (429, [(b"Retry-After", b"3")], "3"), (200, [], None), (500, [], None)]
)
async def test_advice_is_given_where_a_request_ends_with_429(status: int, own: Any, said: str | None) -> None:
    caller = Caller()

    async def app(send: Send) -> None:
        advise(9)
        await send({"type": "http.response.start", "status": status, "headers": own})
        await send({"type": "http.response.body", "body": b"{}"})

    await caller.ask(app)
    assert caller.headers.get("retry-after") == said


INNER = [
    f"litellm.APIConnectionError: Hosted_vllmException - Cannot connect to host {SECRET_HOST}:8000",
    "litellm.BadRequestError: x. Received Model Group=gpt\nAvailable Model Group Fallbacks=['b'] LiteLLM Retried: 2 times",
    'Traceback (most recent call last):\n  File "/opt/aigw/venv/lib/x.py", line 1',
    "key hash 1f2e3d4c5b6a79880716253443526170a1b2c3d4e5f60718293a4b5c6d7e8f90 is over its limit",
    "see https://docs.litellm.ai/docs/proxy at 10.0.3.7:4000",
]


@pytest.mark.parametrize("status", [400, 401, 403, 404, 429, 500, 503])
@pytest.mark.parametrize("message", INNER)
async def test_an_error_of_litellms_shows_nothing_inner(status: int, message: str) -> None:
    for path in ("/v1/chat/completions", "/v1/messages", "/v1/rerank"):
        caller = Caller(path)
        await caller.answered(status, {"error": {"message": message, "type": "x", "code": str(status)}})
        assert caller.status == status
        text = caller.body.decode()
        inner = (SECRET_HOST, "Fallbacks", "Traceback", "/opt/", "1f2e3d", "litellm", "LiteLLM", "10.0.3.7", "Received")
        assert not [word for word in inner if word in text]
        assert json.loads(text)


async def test_a_failure_that_the_plugin_heard_of_is_told_with_the_providers_words() -> None:
    failure = Failure(400, "too long", "invalid_request_error", "context_length_exceeded", "messages", None)
    caller = Caller(failure=failure)
    await caller.answered(500, {"error": {"message": "litellm.ContextWindowExceededError", "code": "400"}})
    error = {"message": "too long", "type": "invalid_request_error", "param": "messages", "code": "context_length_exceeded"}
    assert (caller.status, json.loads(caller.body)) == (400, {"error": error})


@pytest.mark.parametrize("body", [b"", b"<html>", b"null", b"[]", b'{"detail": "x"}', b"x" * 1_000_000])
async def test_an_error_without_words_of_its_own_is_told_in_ours(body: bytes) -> None:
    caller = Caller()
    await caller.answered(500, body)
    assert (caller.status, json.loads(caller.body)["error"]["message"]) == (500, "the request failed")


@pytest.mark.parametrize("starts", [False, True])
async def test_an_app_that_breaks_is_an_error_or_a_cut(starts: bool, capsys: pytest.CaptureFixture[str]) -> None:
    async def app(send: Send) -> None:
        if starts:
            await send({"type": "http.response.start", "status": 200, "headers": [(b"content-type", b"text/plain")]})
            await send({"type": "http.response.body", "body": b"half", "more_body": True})
        raise RuntimeError("a caller's\nwords")

    caller = Caller()
    await caller.ask(app)
    assert (caller.status, caller.whole) == ((200, False) if starts else (500, True))
    lines = capsys.readouterr().err.splitlines()
    assert [json.loads(line)["error"] for line in lines] == ["RuntimeError"]


async def test_an_app_that_does_not_answer_is_an_error() -> None:
    async def app(send: Send) -> None:
        pass

    caller = Caller()
    await caller.ask(app)
    assert caller.status == 500


async def streamed(caller: Caller, *chunks: bytes | float, **options: Any) -> None:
    async def app(send: Send) -> None:
        for index, chunk in enumerate(chunks):
            if isinstance(chunk, float):
                await asyncio.sleep(chunk)
                continue
            if not caller.sent or index == 0:
                await send({"type": "http.response.start", "status": 200, "headers": STREAM})
            await send({"type": "http.response.body", "body": chunk, "more_body": True})
        await send({"type": "http.response.body", "body": b""})

    await caller.ask(app, **options)


async def test_a_stream_passes_as_it_is() -> None:
    caller = Caller(stream=True)
    await streamed(caller, b'data: {"a": 1}\n', b"\nda", b"ta: [DONE]\n\n")
    assert caller.body == b'data: {"a": 1}\n\ndata: [DONE]\n\n'
    assert caller.headers == {"content-type": "text/event-stream; charset=utf-8", "x-request-id": "call-1"}


@pytest.mark.parametrize("path", ["/v1/chat/completions", "/v1/completions", "/v1/responses", "/v1/messages"])
async def test_a_silent_stream_gets_a_comment_between_events(path: str) -> None:
    caller = Caller(path, stream=True)
    await streamed(caller, b"data: 1\n\ndata: ", 0.05, b"2\n\n", silence=0.02)
    assert caller.body.replace(b": keep-alive\n\n", b"") == b"data: 1\n\ndata: 2\n\n"
    assert caller.body.startswith(b"data: 1\n\n: keep-alive\n\n")


async def test_a_stream_that_does_not_begin_gets_a_comment_too_and_may_still_fail() -> None:
    async def app(send: Send) -> None:
        await asyncio.sleep(0.05)
        await send({"type": "http.response.start", "status": 429, "headers": []})
        await send({"type": "http.response.body", "body": b'{"error": {"message": "slow down"}}'})

    caller = Caller(stream=True)
    await caller.ask(app, silence=0.02)
    assert (caller.status, caller.whole) == (200, True)
    comments, _, error = caller.body.partition(b"data: ")
    assert b": keep-alive\n\n" in comments
    assert json.loads(error)["error"]["message"] == "slow down"


async def test_a_plain_answer_gets_no_comment() -> None:
    async def app(send: Send) -> None:
        await asyncio.sleep(0.05)
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-type", b"application/json")]})
        await send({"type": "http.response.body", "body": b"{}"})

    caller = Caller()
    await caller.ask(app, silence=0.01)
    assert caller.body == b"{}"


@pytest.mark.parametrize(
    ("path", "event"),
    [
        ("/v1/chat/completions", b'data: {"error": {"message": "%s", "type": "None", "code": "500"}}'),
        ("/v1/messages", b'event: error\ndata: {"type": "error", "error": {"type": "api_error", "message": "%s"}}'),
        ("/v1/responses", b'data: {"type": "error", "error": {"message": "%s", "code": "500"}}'),
        (
            "/v1/responses",
            b'data: {"type": "response.failed", "response": {"id": "r", "error": {"code": "x", "message": "%s"}}}',
        ),
    ],
)
async def test_an_error_inside_a_stream_shows_nothing_inner(path: str, event: bytes) -> None:
    caller = Caller(path, stream=True)
    inner = f"litellm.APIError: http://{SECRET_HOST}/v1".encode()
    await streamed(caller, b"data: 1\n\n", event.replace(b"%s", inner) + b"\n\n")
    assert SECRET_HOST.encode() not in caller.body
    assert b"litellm" not in caller.body
    assert caller.body.startswith(b"data: 1\n\n")
    assert caller.body.endswith(b"\n\n")


async def test_words_about_errors_in_a_stream_are_no_error() -> None:
    event = b'data: {"choices": [{"delta": {"content": "\\"error\\": 1"}}], "error": null}\n\n'
    caller = Caller(stream=True)
    await streamed(caller, event)
    assert caller.body == event


async def test_ids_of_responses_are_signed_in_streams_and_in_plain_answers() -> None:
    ids = ResponseIds("salt")
    caller = Caller("/v1/responses", stream=True)
    await streamed(caller, b'data: {"response": {"id": "resp_1"}}\n', b"\n", rewrite=ids.rewrite("a"))
    assert ids.sign("a", "resp_1").encode() in caller.body
    plain = Caller("/v1/responses")

    async def app(send: Send) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"42")]})
        await send({"type": "http.response.body", "body": b'{"id": "resp_1", "object":', "more_body": True})
        await send({"type": "http.response.body", "body": b' "response"}'})

    await plain.ask(app, rewrite=ids.rewrite("a"))
    assert json.loads(plain.body)["id"] == ids.sign("a", "resp_1")
    assert "content-length" not in plain.headers


async def test_a_refusal_before_litellm_has_the_same_headers() -> None:
    sent: list[Any] = []

    async def send(message: Any) -> None:
        sent.append(message)

    await send_refusal(Refusal(401, "no key", "authentication_error"), Form.ANTHROPIC, "call-2", send)
    assert dict(sent[0]["headers"])[b"x-request-id"] == b"call-2"
    assert json.loads(sent[1]["body"]) == {"type": "error", "error": {"type": "authentication_error", "message": "no key"}}


async def begins(send: Send, status: int = 200, *parts: bytes) -> None:
    await send({"type": "http.response.start", "status": status, "headers": STREAM})
    for part in parts:
        await send({"type": "http.response.body", "body": part, "more_body": True})


async def test_a_refusal_holds_though_a_comment_went_out_and_litellm_answered() -> None:
    caller = Caller(stream=True)

    async def app(send: Send) -> None:
        await asyncio.sleep(0.05)
        caller.exchange.refusal = Refusal(429, "no more", "rate_limit_error")
        await begins(send, 200, b"data: secret\n\n")
        await send({"type": "http.response.body", "body": b"data: [DONE]\n\n"})

    await caller.ask(app, silence=0.02)
    assert caller.status == 200
    assert b"no more" in caller.body
    assert b"secret" not in caller.body
    assert caller.whole


async def test_a_stream_that_breaks_is_ended_with_an_error_and_a_plain_answer_is_cut() -> None:
    async def stream(send: Send) -> None:
        await begins(send, 200, b'data: {"a": 1}\n\ndata: {"hal')
        raise RuntimeError(SECRET_HOST)

    caller = Caller(stream=True)
    await caller.ask(stream)
    whole, error = caller.body.removesuffix(b"\n\n").split(b"\n\n")
    assert whole == b'data: {"a": 1}'
    assert json.loads(error.removeprefix(b"data: "))["error"]["message"] == "the request failed"
    assert caller.whole

    async def plain(send: Send) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"9")]})
        await send({"type": "http.response.body", "body": b'{"a"', "more_body": True})
        raise RuntimeError(SECRET_HOST)

    caller = Caller()
    await caller.ask(plain)
    assert caller.body == b'{"a"'
    assert not caller.whole


async def test_a_cancelled_request_is_cancelled_while_its_comments_end() -> None:
    ended = asyncio.Event()

    async def send(message: Any) -> None:
        if not message.get("more_body", True):
            return
        try:
            await asyncio.sleep(60)
        except asyncio.CancelledError:
            await asyncio.sleep(0.1)  # a comment that is being sent takes its time to end
            ended.set()
            raise

    async def request() -> None:
        async with Answer(Caller(stream=True).exchange, send, silence=0.01):
            await asyncio.sleep(0.05)

    task = asyncio.create_task(request())
    await asyncio.sleep(0.1)  # it leaves, and waits for the comment
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    await asyncio.wait_for(ended.wait(), 1)


async def test_an_event_that_is_too_long_ends_the_stream_with_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(events, "MOST_EVENT", 1000)
    caller = Caller(stream=True)

    async def app(send: Send) -> None:
        await begins(send, 200, b"data: 1\n\n", b"data: " + b"a" * 1001)

    await caller.ask(app)
    whole, error = caller.body.removesuffix(b"\n\n").split(b"\n\n")
    assert whole == b"data: 1"
    assert json.loads(error.removeprefix(b"data: "))["error"]["type"] == "api_error"


async def test_a_long_event_is_judged_as_a_short_one_is() -> None:
    caller = Caller("/v1/responses", stream=True)
    failed = {"id": "resp_1", "output": "a" * (2 << 20), "error": {"code": "x", "message": f"at {SECRET_HOST}"}}
    event = b"data: " + json.dumps({"type": "response.failed", "response": failed}).encode()
    await streamed(caller, event[:100], event[100:], b"\n\n", rewrite=ResponseIds("salt").rewrite("a"))
    assert SECRET_HOST.encode() not in caller.body
    assert ResponseIds("salt").sign("a", "resp_1").encode() in caller.body


async def test_events_with_other_line_ends_do_not_wait() -> None:
    caller = Caller(stream=True)

    async def app(send: Send) -> None:
        await begins(send, 200, b'data: {"a": 1}\r\n\r\ndata: {"b"')
        assert caller.body == b'data: {"a": 1}\r\n\r\n'
        await send({"type": "http.response.body", "body": b": 2}\r\n\r\n"})

    await caller.ask(app)
    assert caller.body.endswith(b'{"b": 2}\r\n\r\n')


async def test_error_events_without_an_error_object_are_told_in_our_words() -> None:
    caller = Caller("/v1/responses", stream=True)
    event = {"type": "error", "code": "server_error", "message": f"at {SECRET_HOST}", "param": None, "sequence_number": 1}

    async def app(send: Send) -> None:
        await begins(send, 200, b"event: error\ndata: " + json.dumps(event).encode() + b"\n\n")
        await send({"type": "http.response.body", "body": b""})

    await caller.ask(app)
    assert SECRET_HOST.encode() not in caller.body
    assert b'"code":"server_error"' in caller.body
