"""What a caller is told of a failed call, held against the exceptions that LiteLLM has."""

from __future__ import annotations

import importlib
import inspect
import json
import os
from typing import Any

import httpx
import pytest
from aigw_node.front.exchange import Failure
from aigw_node.front.failures import REFUSED_CREDENTIAL, TABLE, UNREACHABLE, failure_of

os.environ.setdefault("LITELLM_LOCAL_MODEL_COST_MAP", "True")  # no fetch when it is imported

# Where LiteLLM keeps exceptions that end an agent's request.
MODULES = ("litellm.exceptions", "litellm.types.router")
# Never the end of a request.
NO_END = {
    "ModelNotMappedError": "from LiteLLM's price list, which catches it itself",
    "SensitiveDataRouteException": "sends a request elsewhere; our nodes have no guardrails",
}


def classes() -> list[type[BaseException]]:
    found = [each for name in MODULES for each in vars(importlib.import_module(name)).values() if inspect.isclass(each)]
    return [each for each in found if issubclass(each, BaseException) and each.__module__ in MODULES]


def test_every_exception_of_litellms_is_decided() -> None:
    names = {each.__name__ for each in classes()}
    assert len(names) > 25
    assert names - set(TABLE) - set(NO_END) == set()
    assert set(NO_END) <= names


def raised(status: int, content: Any, **headers: str) -> httpx.HTTPStatusError:
    body = content if isinstance(content, bytes) else json.dumps(content).encode()
    request = httpx.Request("POST", "https://api.provider.internal/v1/chat")
    response = httpx.Response(status, content=body, headers=headers, request=request)
    return httpx.HTTPStatusError("for url 'https://api.provider.internal/v1'", request=request, response=response)


class Inner(Exception):
    """As LiteLLM's providers raise it: the body is the message."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status_code, self.message = status, message


def told(name: str, status: int, content: Any, *, earlier: BaseException | None = None, **headers: str) -> Failure:
    """Of the exception that LiteLLM makes of a provider's answer, in the chain that it makes."""
    import litellm

    answer = raised(status, content, **headers)
    answer.__context__ = earlier
    inner = Inner(status, content.decode() if isinstance(content, bytes) else json.dumps(content))
    inner.__context__ = answer
    response = httpx.Response(500, request=answer.request)
    outer = getattr(litellm, name)(message=f"X - {inner}", model="m", llm_provider="x", response=response)
    outer.__context__ = inner
    return failure_of(outer)


CONTEXT = {"message": "This model's maximum context length is 8192 tokens.", "type": "invalid_request_error"}


@pytest.mark.parametrize(
    ("name", "status", "content", "expected"),
    [
        (
            "ContextWindowExceededError",
            400,
            {"error": {**CONTEXT, "param": "messages", "code": "context_length_exceeded"}},
            (400, "invalid_request_error", "context_length_exceeded", "messages"),
        ),
        (
            "ContextWindowExceededError",
            400,
            {"type": "error", "error": {"type": "invalid_request_error", "message": "prompt is too long"}},
            (400, "invalid_request_error", "context_length_exceeded", None),
        ),
        (
            "InternalServerError",
            529,
            {"type": "error", "error": {"type": "overloaded_error", "message": "Overloaded"}},
            (529, "overloaded_error", None, None),
        ),
        (
            "RateLimitError",
            429,
            {"error": {"message": "slow down", "type": "tokens", "code": "rate_limit_exceeded", "param": None}},
            (429, "tokens", "rate_limit_exceeded", None),
        ),
        (
            "BadRequestError",
            400,
            {"code": "InvalidParameter", "message": "Range of input length should be [1, 30720]", "request_id": "x"},
            (400, "invalid_request_error", "InvalidParameter", None),
        ),
        ("BadRequestError", 400, {"message": "too long"}, (400, "invalid_request_error", None, None)),
        ("BadRequestError", 422, {"message": "bad documents"}, (422, "invalid_request_error", None, None)),
        (
            "BadRequestError",
            402,
            {"error": {"message": "no credit", "code": "insufficient_quota"}},
            (402, None, "insufficient_quota", None),
        ),
    ],
)
def test_the_providers_status_type_and_code_are_kept(
    name: str, status: int, content: Any, expected: tuple[Any, ...]
) -> None:
    failure = told(name, status, content)
    found = (failure.status, failure.type, failure.code, failure.param)
    assert found == expected or (expected[1] is None and (found[0], found[2]) == (expected[0], expected[2]))
    said = content.get("error", content) if isinstance(content, dict) else content
    assert failure.message == said["message"]


def test_an_earlier_try_lends_nothing_to_a_later_one() -> None:
    earlier = Inner(529, '{"error": {"message": "earlier", "code": "earlier"}}')
    failure = told("BadRequestError", 400, {"error": {"message": "later", "code": "later"}}, earlier=earlier)
    assert (failure.status, failure.message, failure.code) == (400, "later", "later")


@pytest.mark.parametrize("reached", [httpx.ConnectError, httpx.ReadError, httpx.ConnectTimeout])
def test_a_provider_that_was_not_reached_says_nothing_of_an_earlier_one(reached: type[httpx.TransportError]) -> None:
    import litellm

    lost = reached("Cannot connect to host inner.vpc.internal:8000")
    lost.__context__ = Inner(400, '{"error": {"message": "earlier", "code": "earlier"}}')
    inner = Inner(500, "Cannot connect to host inner.vpc.internal:8000 ssl:default [Name or service not known]")
    inner.__context__ = lost
    outer = litellm.InternalServerError(message=f"X - {inner}", model="m", llm_provider="x")
    outer.__context__ = inner
    failure = failure_of(outer)
    assert (failure.status, failure.message, failure.code) == (502, UNREACHABLE, None)


def test_a_page_in_place_of_json_is_told_in_our_words() -> None:
    failure = told("BadGatewayError", 502, b"<html>nginx at http://10.0.0.5/x</html>")
    assert (failure.status, "html" in failure.message, "10.0" in failure.message) == (502, False, False)


def test_a_refused_credential_repeats_nothing_of_it() -> None:
    failure = told("AuthenticationError", 401, {"error": {"message": "Incorrect API key provided: sk-abcd***", "type": "x"}})
    assert (failure.status, failure.message) == (401, REFUSED_CREDENTIAL)


def test_what_a_provider_says_is_bounded_and_one_line() -> None:
    failure = told("BadRequestError", 400, {"error": {"message": "a\n\x1b[31m\u2028b" + "x" * 100_000, "code": "y" * 1000}})
    assert len(failure.message) <= 2000
    assert failure.message.isprintable()
    assert failure.code is None or len(failure.code) <= 100


def test_a_provider_s_retry_after_is_kept() -> None:
    failure = told("RateLimitError", 429, {"error": {"message": "slow"}}, **{"retry-after": "40"})
    assert failure.retry_after == 40


@pytest.mark.parametrize("words", ["litellm helps", "use the model=x parameter", "The model LiteLLM-like is fine"])
def test_a_providers_words_are_not_cut_where_they_are_its_own(words: str) -> None:
    assert told("BadRequestError", 400, {"error": {"message": f"Set max_tokens; {words}."}}).message.startswith(
        "Set max_tokens"
    )


@pytest.mark.parametrize(
    "inner",
    [
        "vllm.team-a.svc.cluster.local:8000",
        "10.1.2.3",
        "[fd00::1]:8000",
        "http://user:word@inner/v1?key=abc",
        "https://docs.litellm.ai/docs/x",
        "org-AbCdEf0123456789",
        "proj_AbCdEf0123456789",
        "sk-proj-AbCd0123456789",
        "Bearer abcdef0123456789abcd",
        "1f2e3d4c5b6a79880716253443526170a1b2c3d4e5f60718293a4b5c6d7e8f90",
        "/opt/aigw/venv/lib/python3.12/site-packages/x.py",
        "ip-10-0-1-2.eu-west-1.compute.internal",
    ],
)
def test_nothing_inner_is_in_a_message(inner: str) -> None:
    message = told("BadRequestError", 400, {"error": {"message": f"The request failed at {inner} today"}}).message
    kept = inner.strip("[]").split("@")[-1].split("/")[0] or inner.split("/")[2]
    assert message.startswith("The request failed at")
    assert kept not in message and inner not in message, message
