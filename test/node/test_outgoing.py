"""What LiteLLM's clients read of a provider that misbehaves."""

from __future__ import annotations

import json
import os
import resource
import subprocess
import sys
import time
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from aigw_node.litellm import outgoing
from aigw_node.litellm.check import missing
from aigw_node.litellm.needs import NEEDS
from aigw_node.litellm.outgoing import AnswerTooLarge, Meter

from doubles.misbehaving import Misbehaving


@pytest.fixture(scope="module")
def provider() -> Iterator[Misbehaving]:
    provider = Misbehaving()
    yield provider
    provider.stop()


@pytest.fixture(scope="module", autouse=True)
def installed() -> Iterator[None]:
    kept = httpx.AsyncClient.send, httpx.Client.send
    outgoing.install()
    outgoing.install()
    yield
    httpx.AsyncClient.send, httpx.Client.send = kept  # type: ignore[method-assign]


async def ask(provider: Misbehaving, model: str, **more: Any) -> httpx.Response:
    async with httpx.AsyncClient(follow_redirects=True, timeout=1, **more) as client:
        return await client.post(provider.url, json={"model": model})


def test_the_seams_check_finds_what_it_needs_behind_the_patch_too() -> None:
    """It runs before and after."""
    assert missing([need for need in NEEDS if need.name.startswith("httpx:")]) == []


async def test_a_good_answer_passes(provider: Misbehaving) -> None:
    assert (await ask(provider, "good")).json()["choices"][0]["message"]["content"] == "hello"


async def test_a_redirect_is_not_followed(provider: Misbehaving) -> None:
    assert (await ask(provider, "redirect")).status_code == 307
    with httpx.Client(follow_redirects=True) as client:
        assert client.post(provider.url, json={"model": "redirect"}).status_code == 307
        assert client.post(provider.url, json={"model": "redirect"}, follow_redirects=True).status_code == 307
    assert provider.visited == []


@pytest.mark.parametrize("model", ["huge", "huge-event", "bomb", "headers"])
async def test_what_is_too_large_is_cut(provider: Misbehaving, model: str) -> None:
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with pytest.raises(AnswerTooLarge):
        await ask(provider, model)
    grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    assert grown < 400 << 10  # kB: the double's own 300 MB to pack, and the bound
    with httpx.Client(timeout=1) as client, pytest.raises(AnswerTooLarge):
        client.post(provider.url, json={"model": model})


@pytest.mark.parametrize("model", ["trickle", "head"])
async def test_what_never_ends_is_ended(provider: Misbehaving, model: str, monkeypatch: pytest.MonkeyPatch) -> None:
    started = time.monotonic()
    timeout = httpx.Timeout(0.5, connect=0.1, pool=0.1)
    with pytest.raises(httpx.ReadTimeout):
        async with httpx.AsyncClient(timeout=timeout) as client:
            await client.post(provider.url, json={"model": model})
    assert time.monotonic() - started < 2
    monkeypatch.setattr(outgoing, "STREAM_SECONDS", 0.5)
    with pytest.raises(httpx.ReadTimeout):
        async with (
            httpx.AsyncClient(timeout=timeout) as client,
            client.stream("POST", provider.url, json={"model": model}) as it,
        ):
            async for _ in it.aiter_lines():
                pass


def meter(*, events: bool) -> Meter:
    return Meter(httpx.Request("GET", "http://provider.invalid"), events=events, end=time.monotonic() + 60)


@pytest.mark.parametrize("parts", [(b"data: x\n\n",), (b"data: x\n", b"\n"), (b"data: x\r\n\r", b"\n"), (b"data: x\r\r",)])
def test_a_stream_may_be_long_if_its_events_are_short(monkeypatch: pytest.MonkeyPatch, parts: tuple[bytes, ...]) -> None:
    monkeypatch.setattr(outgoing, "MOST_EVENT", 100)
    long = meter(events=True)
    for _ in range(1000):
        for part in parts:
            long.count(part)


def test_an_event_and_a_plain_answer_have_a_bound(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(outgoing, "MOST_EVENT", 100)
    monkeypatch.setattr(outgoing, "MOST_PLAIN", 100)
    for events, part in ((True, b"data: x\n"), (False, b"data: x\n\n")):
        short = meter(events=events)
        with pytest.raises(AnswerTooLarge):
            for _ in range(20):
                short.count(part)


LITELLM = """
import asyncio, json, sys
from aigw_node.litellm import outgoing
outgoing.install()
import litellm
from aigw_node.front.failures import failure_of
litellm.suppress_debug_info = True
url, *models = sys.argv[1:]

async def ask(kind, model):
    say = [{"role": "user", "content": "hi"}]
    common = {"api_base": url, "api_key": "k", "max_retries": 0, "num_retries": 0, "timeout": 2}
    stream = "event" in model
    try:
        answer = await litellm.acompletion(f"{kind}/{model}", messages=say, stream=stream, **common)
        if stream:
            async for _ in answer:
                pass
        print(json.dumps([kind, model, 200, ""]))
    except Exception as error:
        failure = failure_of(error)
        print(json.dumps([kind, model, failure.status, failure.message]))

async def main():
    for kind in ("openai", "anthropic"):
        for model in models:
            await ask(kind, model)

asyncio.run(main())
"""


@pytest.mark.real
def test_litellms_own_clients_are_bounded(provider: Misbehaving) -> None:
    """The openai SDK's, and LiteLLM's handler, both with its aiohttp transport."""
    models = ["redirect", "huge", "huge-event", "headers", "trickle"]
    environment = {**os.environ, "LITELLM_LOCAL_MODEL_COST_MAP": "True", "LITELLM_LOG": "CRITICAL"}
    asked, sent = provider.asked, provider.sent
    command = [sys.executable, "-c", LITELLM, provider.url, *models]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=90)
    told = [json.loads(line) for line in done.stdout.splitlines()]
    assert [line[:2] for line in told] == [[kind, model] for kind in ("openai", "anthropic") for model in models], (
        done.stderr
    )
    for kind, model, status, message in told:
        assert 500 <= status < 600 or status == 408, (kind, model, status, message)
        assert "127.0.0.1" not in message
    assert provider.visited == []
    assert provider.sent - sent < 4 * 100 << 20
    assert provider.asked - asked == len(told)
