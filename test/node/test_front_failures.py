"""What callers are told of failures, with LiteLLM's own exceptions, made by LiteLLM from what a provider answered."""

from __future__ import annotations

import inspect
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from aigw_node.front.exchange import Failure
from aigw_node.front.failures import OWN, REFUSED_CREDENTIAL, TABLE, UNREACHABLE, cleaned, failure_of

from doubles.answering import Stub, deployment

HASH = "1f2e3d4c5b6a79880716253443526170a1b2c3d4e5f60718293a4b5c6d7e8f90"
UUID = "0f0e4a2e-1111-2222-3333-444455556666"
CONTEXT = "This model's maximum context length is 128000 tokens."
MESSAGES = [{"role": "user", "content": "hi"}]


@pytest.fixture(scope="module")
def stub() -> Iterator[Stub]:
    stub = Stub()
    yield stub
    stub.stop()


async def told(kind: str, url: str, **more: Any) -> Failure:
    import litellm

    with pytest.raises(Exception) as found:
        await litellm.acompletion(**deployment(kind, url), messages=MESSAGES, num_retries=0, max_retries=0, **more)
    return failure_of(found.value)


def openai(message: str, type_: str, code: str | None, param: str | None = None) -> dict[str, Any]:
    return {"error": {"message": message, "type": type_, "param": param, "code": code}}


def anthropic(message: str, type_: str) -> dict[str, Any]:
    return {"type": "error", "error": {"type": type_, "message": message}, "request_id": "req_1"}


INVALID, REACHED = "invalid_request_error", {"retry-after": "40"}
LONG = "context_length_exceeded"
ORGANISATION = (
    "Rate limit reached for gpt-4o in organization org-abc123DEF. Visit https://platform.openai.com/account for more."
)
ANTHROPICS = f"This would exceed your organization's ({UUID}) rate limit of 50 requests per minute."
# kind, status, headers, body -> status, type, code, param, Retry-After, words (None: the provider's own)
ANSWERS: list[tuple[str, int, dict[str, str], Any, tuple[int, str, str | None, str | None, int | None, str | None]]] = [
    ("openai", 400, {}, openai(CONTEXT, INVALID, LONG, "messages"), (400, INVALID, LONG, "messages", None, CONTEXT)),
    ("openai", 400, {}, openai("bad", INVALID, "invalid_value", "n"), (400, INVALID, "invalid_value", "n", None, "bad")),
    (
        "openai",
        400,
        {},
        openai("flagged by content policy", INVALID, "content_policy_violation"),
        (400, INVALID, "content_policy_violation", None, None, "flagged by content policy"),
    ),
    (
        "openai",
        401,
        {},
        openai("Incorrect API key provided: sk-abc***xyz.", INVALID, "invalid_api_key"),
        (401, INVALID, "invalid_api_key", None, None, REFUSED_CREDENTIAL),
    ),
    (
        "openai",
        403,
        {},
        openai("Project proj_abc123 has no access", INVALID, "model_not_allowed"),
        (403, INVALID, "model_not_allowed", None, None, REFUSED_CREDENTIAL),
    ),
    (
        "openai",
        404,
        {},
        openai("The model `gpt-9` does not exist", INVALID, "model_not_found"),
        (404, INVALID, "model_not_found", None, None, "The model `gpt-9` does not exist"),
    ),
    (
        "openai",
        429,
        REACHED,
        openai(ORGANISATION, "tokens", "rate_limit_exceeded"),
        (
            429,
            "tokens",
            "rate_limit_exceeded",
            None,
            40,
            "Rate limit reached for gpt-4o in organization [...]. Visit [...] for more.",
        ),
    ),
    ("openai", 500, {}, openai("boom", "server_error", None), (500, "server_error", None, None, None, "boom")),
    ("openai", 529, {}, openai("full", "overloaded_error", None), (529, "overloaded_error", None, None, None, "full")),
    ("openai", 502, {}, b"<html>10.0.0.1</html>", (502, "api_error", None, None, None, "the provider failed")),
    (
        "openai",
        422,
        {},
        {"detail": [{"loc": ["body", "n"], "msg": "too big"}]},
        (422, INVALID, None, None, None, "body.n: too big"),
    ),
    (
        "deepseek",
        402,
        {},
        openai("no balance", "unknown_error", INVALID),
        (402, "unknown_error", INVALID, None, None, "no balance"),
    ),
    (
        "vllm",
        400,
        {},
        {"object": "error", "message": CONTEXT, "type": "BadRequestError", "param": None, "code": 400},
        (400, "BadRequestError", LONG, None, None, CONTEXT),
    ),
    (
        "vllm",
        400,
        {},
        {"error": {"message": CONTEXT, "type": "BadRequestError", "param": "input_tokens", "code": 400}},
        (400, "BadRequestError", LONG, "input_tokens", None, CONTEXT),
    ),
    (
        "vllm",
        422,
        {},
        {"detail": [{"loc": ["body", "n"], "msg": "too big"}]},
        (422, INVALID, None, None, None, "body.n: too big"),
    ),
    ("vllm", 401, {}, {"error": "Unauthorized"}, (401, "authentication_error", None, None, None, REFUSED_CREDENTIAL)),
    (
        "dashscope",
        400,
        {},
        openai("inappropriate content", "data_inspection_failed", "data_inspection_failed"),
        (400, "data_inspection_failed", "data_inspection_failed", None, None, "inappropriate content"),
    ),
    (
        "dashscope",
        429,
        {},
        openai("too fast", "limit_requests", "limit_requests"),
        (429, "limit_requests", "limit_requests", None, None, "too fast"),
    ),
    ("azure", 400, {}, openai(CONTEXT, INVALID, LONG, "messages"), (400, INVALID, LONG, "messages", None, CONTEXT)),
    (
        "azure",
        401,
        {},
        {"error": {"code": "401", "message": "Access denied at https://x.openai.azure.com"}},
        (401, "authentication_error", "401", None, None, REFUSED_CREDENTIAL),
    ),
    (
        "azure",
        404,
        {},
        {"error": {"code": "DeploymentNotFound", "message": "no such deployment"}},
        (404, "not_found_error", "DeploymentNotFound", None, None, "no such deployment"),
    ),
    (
        "azure",
        429,
        REACHED,
        {"error": {"code": "429", "message": "slow"}},
        (429, "rate_limit_error", "429", None, 40, "slow"),
    ),
    (
        "anthropic",
        400,
        {},
        anthropic("prompt is too long: 9 tokens > 8 maximum", INVALID),
        (400, INVALID, LONG, None, None, "prompt is too long: 9 tokens > 8 maximum"),
    ),
    (
        "anthropic",
        401,
        {},
        anthropic("bad x-api-key", "authentication_error"),
        (401, "authentication_error", None, None, None, REFUSED_CREDENTIAL),
    ),
    (
        "anthropic",
        404,
        {},
        anthropic("model: claude-9", "not_found_error"),
        (404, "not_found_error", None, None, None, "model: claude-9"),
    ),
    (
        "anthropic",
        413,
        {},
        anthropic("too large", "request_too_large"),
        (413, "request_too_large", None, None, None, "too large"),
    ),
    (
        "anthropic",
        429,
        REACHED,
        anthropic(ANTHROPICS, "rate_limit_error"),
        (429, "rate_limit_error", None, None, 40, ANTHROPICS.replace(UUID, "[...]")),
    ),
    ("anthropic", 500, {}, anthropic("boom", "api_error"), (500, "api_error", None, None, None, "boom")),
    (
        "anthropic",
        529,
        {},
        anthropic("Overloaded", "overloaded_error"),
        (529, "overloaded_error", None, None, None, "Overloaded"),
    ),
    (
        "bedrock",
        400,
        {},
        {"message": "Input is too long for requested model."},
        (400, INVALID, LONG, None, None, "Input is too long for requested model."),
    ),
    (
        "bedrock",
        403,
        {},
        {"message": "User: arn:aws:iam::123456789012:user/x is not authorized"},
        (403, "permission_error", None, None, None, REFUSED_CREDENTIAL),
    ),
    ("bedrock", 429, {}, {"message": "Too many requests"}, (429, "rate_limit_error", None, None, None, "Too many requests")),
    ("bedrock", 500, {}, {"message": "boom"}, (500, "api_error", None, None, None, "boom")),
    (
        "cohere",
        400,
        {},
        {"id": "x", "message": "too many tokens: size limit exceeded by 8 tokens"},
        (400, INVALID, LONG, None, None, "too many tokens: size limit exceeded by 8 tokens"),
    ),
    ("cohere", 404, {}, {"message": "no such model"}, (404, "not_found_error", None, None, None, "no such model")),
    ("cohere", 429, {"retry-after": "8.2"}, {"message": "trial"}, (429, "rate_limit_error", None, None, 9, "trial")),
    ("cohere", 500, {}, {"message": "boom"}, (500, "api_error", None, None, None, "boom")),
]


@pytest.mark.parametrize(("kind", "status", "headers", "body", "expected"), ANSWERS)
async def test_status_type_code_and_param_are_the_providers(
    stub: Stub, kind: str, status: int, headers: dict[str, str], body: Any, expected: tuple[Any, ...]
) -> None:
    stub.answers = [(status, headers, body)]
    failure = await told(kind, stub.url)
    assert (failure.status, failure.type, failure.code, failure.param, failure.retry_after, failure.message) == expected


@pytest.mark.parametrize("kind", ["openai", "dashscope", "vllm", "azure", "anthropic", "bedrock", "cohere"])
async def test_a_provider_that_is_not_there_is_502_without_its_address(kind: str) -> None:
    assert await told(kind, "http://127.0.0.1:1") == Failure(502, UNREACHABLE, "api_error")


async def test_the_last_try_is_told_and_no_earlier_one(stub: Stub) -> None:
    import litellm

    router = litellm.Router(
        [{"model_name": name, "litellm_params": deployment(name, stub.url)} for name in ("openai", "anthropic")],
        fallbacks=[{"openai": ["anthropic"]}],
        num_retries=0,
    )
    stub.answers = [
        (400, {}, openai(CONTEXT, INVALID, LONG, "messages")),
        (500, {}, anthropic("boom", "api_error")),
    ]
    with pytest.raises(Exception) as found:
        await router.acompletion("openai", MESSAGES)
    failure = failure_of(found.value)
    one, other = (400, INVALID, LONG, "messages", CONTEXT), (500, "api_error", None, None, "boom")
    assert (failure.status, failure.type, failure.code, failure.param, failure.message) in (one, other)


@pytest.mark.parametrize("retries", [0, 1, 2])
async def test_a_routers_tries_that_end_alike_are_told_as_the_provider_did(stub: Stub, retries: int) -> None:
    from litellm import Router

    stub.answers = [(529, {}, openai("over", "overloaded", "busy"))]
    model = {"model_name": "m", "litellm_params": deployment("openai", stub.url)}
    router = Router(model_list=[model], num_retries=retries, disable_cooldowns=True)
    with pytest.raises(Exception, match="over") as caught:
        await router.acompletion("m", MESSAGES)
    failure = failure_of(caught.value)
    assert (failure.status, failure.type, failure.code, failure.message) == (529, "overloaded", "busy", "over")


def of_module(name: str) -> Iterator[type[BaseException]]:
    import importlib

    for each in vars(importlib.import_module(name)).values():
        if inspect.isclass(each) and issubclass(each, BaseException) and each.__module__ == name:
            yield each


@pytest.mark.parametrize("module", ["litellm.exceptions", "litellm.types.router"])
def test_every_class_of_litellms_is_decided(module: str) -> None:
    assert {each.__name__ for each in of_module(module)} - set(TABLE) == set()


def test_the_table_has_no_class_that_litellm_has_not() -> None:
    import litellm.proxy._types as types
    import litellm.proxy.common_utils.proxy_rate_limit_error as limits

    known = {each.__name__ for name in ("litellm.exceptions", "litellm.types.router") for each in of_module(name)}
    known |= {limits.ProxyRateLimitError.__name__, types.ProxyException.__name__, "HTTPException"}
    assert set(TABLE) - known == set()
    assert set(TABLE) >= OWN


def raised(name: str) -> Exception:
    """As LiteLLM makes it, with something inner in its text."""
    import litellm.exceptions
    import litellm.types.router

    class_ = getattr(litellm.exceptions, name, None) or getattr(litellm.types.router, name)
    known: dict[str, Any] = {
        "message": f"litellm.{name}: Connection to vllm.team-a.svc.cluster.local:8000 with sk-abcdef failed, hash {HASH}",
        "model": "openai/gpt-4o",
        "llm_provider": "openai",
        "custom_llm_provider": "openai",
        "response": httpx.Response(400, request=httpx.Request("POST", "http://vllm.team-a.svc.cluster.local:8000")),
        "failures": [{"vector_store_id": "vs", "error": HASH}],
        "status_code": 400,
        "current_cost": 1.0,
        "max_budget": 1.0,
        "request_data": {},
        "entity_type": "EMAIL",
        "raw_response": "raw",
        "schema": "{}",
        "cooldown_time": 4.2,
        "enable_pre_call_checks": False,
        "cooldown_list": [HASH],
        "route_to_model": "openai/gpt-4o",
        "session_id": "s",
        "request": None,
    }
    parameters = inspect.signature(class_.__init__).parameters
    needed = {each: known[each] for each in parameters if each in known}
    error = class_(**needed)
    assert isinstance(error, Exception)
    return error


@pytest.mark.parametrize("name", sorted(set(TABLE) - {"HTTPException", "ProxyException", "ProxyRateLimitError"}))
def test_each_class_is_told_with_a_status_and_nothing_inner(name: str) -> None:
    failure = failure_of(raised(name))
    assert 400 <= failure.status <= 599
    assert failure.status == (TABLE[name][0] or failure.status)
    assert failure.message
    for inner in ("svc.cluster", "8000", "sk-", HASH, "litellm", "LiteLLM", "openai/"):
        assert inner not in failure.message
    if name == "RouterRateLimitError":
        assert failure.retry_after == 5


def test_refusals_of_the_proxy_keep_their_status_and_lose_their_words() -> None:
    from fastapi import HTTPException
    from litellm.proxy._types import ProxyException
    from litellm.proxy.common_utils.proxy_rate_limit_error import ProxyRateLimitError

    inner = f"Invalid token. Received API Key = sk-...abcd, Key Hash (Token) = {HASH}. {{'error': {{'message': 'Unable'}}}}"
    limited = ProxyRateLimitError({"error": {"message": f"limit of {HASH}"}}, {"retry-after": "3"})
    assert failure_of(limited) == Failure(429, "a limit is reached; try again", "rate_limit_error", None, None, 3)
    assert failure_of(HTTPException(400, {"error": {"message": inner}})) == Failure(400, "the request is not valid", INVALID)
    refused = failure_of(ProxyException(inner, "auth_error", "key", 401))
    assert (refused.status, refused.type) == (401, "authentication_error")
    assert HASH not in refused.message
    assert "Unable" not in refused.message
    try:
        try:
            raise ValueError("{'message': 'inner', 'type': 'x'}")
        except ValueError:
            raise HTTPException(503) from None
    except HTTPException as error:
        assert failure_of(error).message == "the gateway cannot serve this at the moment; try again"
    assert failure_of(KeyError(HASH)) == Failure(500, "the request failed", "api_error")


@pytest.mark.parametrize(
    ("text", "left"),
    [
        ("at redis://:pw@10.1.2.3:6379/0 now", "at [...] now"),
        ("Cannot connect to host vllm:8000 ssl:default", "Cannot connect to [...] ssl:default"),
        ("to [fd00::1]:8000", "to [...]"),
        ("messages[0].content is bad", "messages[0].content is bad"),
        ("role arn:aws:iam::123456789012:role/x may not", "role [...] may not"),
        ("in /opt/aigw/venv/lib/x.py", "in [...]"),
        ("use /v1/responses for this model", "use /v1/responses for this model"),
        ("Authorization: Bearer abc", "Authorization: [...]"),
        (f"organization {UUID}", "organization [...]"),
        ("key Zm9vYmFyYmF6Zm9vYmFyYmF6Zm9vYmFyYmF6MTIz", "key [...]"),
        ("one\nline\r\x1b[0m", "one line [0m"),
        ("'max_tokens' must be <= 4096, not 5000", "'max_tokens' must be <= 4096, not 5000"),
    ],
)
def test_nothing_inner_is_left_and_what_helps_is(text: str, left: str) -> None:
    assert cleaned(text) == left
