"""How long a caller waits for a provider that asks to be left alone, with LiteLLM's own router."""

from __future__ import annotations

import importlib
import io
import time
from collections.abc import Iterator
from typing import Any

import pytest
from aigw_node.front.failures import failure_of
from aigw_node.litellm import retries

from doubles.answering import Stub, deployment

MESSAGES = [{"role": "user", "content": "hi"}]
BUSY = {"error": {"message": "slow down", "type": "rate_limit_error", "code": "rate_limit_exceeded"}}
GOOD = {
    "id": "chat-1",
    "object": "chat.completion",
    "created": 1,
    "model": "m",
    "choices": [{"index": 0, "finish_reason": "stop", "message": {"role": "assistant", "content": "hello"}}],
    "usage": {"prompt_tokens": 1, "completion_tokens": 1, "total_tokens": 2},
}
CALLS: dict[str, dict[str, Any]] = {
    "acompletion": {"messages": MESSAGES},
    "aanthropic_messages": {"messages": MESSAGES, "max_tokens": 10},
    "aresponses": {"input": "hi"},
    "aembedding": {"input": "hi"},
    "atext_completion": {"prompt": "hi"},
    "aimage_generation": {"prompt": "hi"},
    "aimage_edit": {"prompt": "hi", "image": io.BytesIO(b"png")},
    "aspeech": {"input": "hi", "voice": "alloy"},
    "atranscription": {"file": ("a.mp3", b"sound", "audio/mpeg")},
    "amoderation": {"input": "hi"},
}
KINDS = ("openai", "anthropic", "dashscope", "azure")
CHATS = ("acompletion", "aanthropic_messages", "aresponses")  # of all kinds


@pytest.fixture
def stub(monkeypatch: pytest.MonkeyPatch) -> Iterator[Stub]:
    from litellm import Router
    from openai._models import FinalRequestOptions

    importlib.import_module("litellm.proxy.proxy_server")  # as on a node; else the first call does it
    monkeypatch.setattr(FinalRequestOptions, "get_max_retries", FinalRequestOptions.get_max_retries)
    wait = Router._time_to_sleep_before_retry
    monkeypatch.setattr(Router, "_time_to_sleep_before_retry", wait)  # as it was, afterwards
    retries.install()
    retries.install()
    stub = Stub()
    yield stub
    stub.stop()


def router(*names: tuple[str, str], url: str, **more: Any) -> Any:
    from litellm import Router

    listed = [{"model_name": name, "litellm_params": deployment(kind, url)} for name, kind in names]
    return Router(model_list=listed, num_retries=2, **more)


@pytest.mark.parametrize(
    ("call", "kind"),
    [(call, kind) for call in CALLS for kind in (KINDS if call in CHATS else ("openai",))],
)
@pytest.mark.parametrize("wait", ["7"])
async def test_a_long_wait_is_the_callers_to_keep(stub: Stub, call: str, kind: str, wait: str) -> None:
    stub.answers = [(429, {"retry-after": wait}, BUSY)]
    began = time.monotonic()
    with pytest.raises(Exception, match="slow down") as found:
        await getattr(router(("m", kind), url=stub.url), call)(model="m", **CALLS[call])
    assert time.monotonic() - began < 5
    failure = failure_of(found.value)
    assert (failure.status, failure.retry_after, stub.asked) == (429, int(wait), 1)


async def test_a_short_wait_is_kept_for_the_caller(stub: Stub) -> None:
    stub.answers = [(429, {"retry-after": "1"}, BUSY), (200, {}, GOOD)]
    answer = await router(("m", "openai"), url=stub.url).acompletion(model="m", messages=MESSAGES)
    assert (answer.choices[0].message.content, stub.asked) == ("hello", 2)


async def test_short_waits_end_within_the_bound(stub: Stub) -> None:
    stub.answers = [(429, {"retry-after": "1"}, BUSY)]
    began = time.monotonic()
    with pytest.raises(Exception, match="slow down"):
        await router(("m", "openai"), url=stub.url).acompletion(model="m", messages=MESSAGES)
    assert time.monotonic() - began < 5
    assert stub.asked == 3


@pytest.mark.parametrize("status", [500, 503])
async def test_no_status_makes_a_caller_wait(stub: Stub, status: int) -> None:
    stub.answers = [(status, {"retry-after": "30"}, BUSY)]
    began = time.monotonic()
    with pytest.raises(Exception, match="slow down") as found:
        await router(("m", "openai"), url=stub.url).acompletion(model="m", messages=MESSAGES)
    assert time.monotonic() - began < 5
    assert failure_of(found.value).retry_after == 30


async def test_another_deployment_is_asked_at_once(stub: Stub) -> None:
    stub.answers = [(429, {"retry-after": "40"}, BUSY), (200, {}, GOOD)]
    began = time.monotonic()
    asked = router(("m", "openai"), ("m", "dashscope"), url=stub.url)
    answer = await asked.acompletion(model="m", messages=MESSAGES)
    assert (answer.choices[0].message.content, stub.asked) == ("hello", 2)
    assert time.monotonic() - began < 5


async def test_a_fallback_is_asked_at_once(stub: Stub) -> None:
    stub.answers = [(429, {"retry-after": "40"}, BUSY), (200, {}, GOOD)]
    began = time.monotonic()
    asked = router(("m", "openai"), ("other", "dashscope"), url=stub.url, fallbacks=[{"m": ["other"]}])
    answer = await asked.acompletion(model="m", messages=MESSAGES)
    assert (answer.choices[0].message.content, stub.asked) == ("hello", 2)
    assert time.monotonic() - began < 5
