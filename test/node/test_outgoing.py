"""What is taken of a provider's answer, with LiteLLM's own clients where they differ."""

from __future__ import annotations

import asyncio
import time
import tracemalloc
from collections.abc import Iterator

import httpx
import pytest
from aigw_node.front.failures import failure_of
from aigw_node.litellm import outgoing
from aigw_node.litellm.outgoing import AnswerRefused

from doubles.misbehaving import PIECE, Misbehaving

REFUSED = ("redirect", "told", "long", "error", "headers", "head64", "bomb", "foreign")


@pytest.fixture
def provider(monkeypatch: pytest.MonkeyPatch) -> Iterator[Misbehaving]:
    for client in (httpx.AsyncClient, httpx.Client):
        monkeypatch.setattr(client, "send", client.send)  # as it was, afterwards
    outgoing.install()
    outgoing.install()
    double, other = Misbehaving(), Misbehaving()
    double.elsewhere = f"{other.url}/good"
    yield double
    double.stop()
    other.stop()
    assert other.asked == []


@pytest.mark.parametrize("what", REFUSED)
async def test_what_no_provider_should_answer_is_refused(provider: Misbehaving, what: str) -> None:
    async with httpx.AsyncClient(follow_redirects=True) as client:
        with pytest.raises(httpx.HTTPError) as found:
            await client.post(f"{provider.url}/{what}", json={})
    assert isinstance(found.value, AnswerRefused)
    assert failure_of(found.value).status == 502
    with httpx.Client(follow_redirects=True) as client, pytest.raises(AnswerRefused):
        client.post(f"{provider.url}/{what}", json={})


@pytest.mark.parametrize(("what", "most"), [("long", 160 << 20), ("bomb", 160 << 20), ("told", 4 << 20), ("error", 8 << 20)])
async def test_little_of_a_long_answer_is_held(provider: Misbehaving, what: str, most: int) -> None:
    """Twice the bound: httpx joins the parts. The double's own memory is in it."""
    tracemalloc.start()
    try:
        async with httpx.AsyncClient() as client:
            with pytest.raises(AnswerRefused):
                await client.post(f"{provider.url}/{what}", json={})
        assert tracemalloc.get_traced_memory()[1] < most
    finally:
        tracemalloc.stop()


async def test_a_redirect_is_shown_to_who_does_not_follow_it(provider: Misbehaving) -> None:
    async with httpx.AsyncClient() as client:
        assert (await client.get(f"{provider.url}/redirect")).status_code == 307
        with pytest.raises(AnswerRefused):
            await client.get(f"{provider.url}/redirect", follow_redirects=True)
    with httpx.Client(follow_redirects=True) as following:
        assert following.get(f"{provider.url}/redirect", follow_redirects=False).status_code == 307


async def test_good_answers_pass_as_they_are(provider: Misbehaving) -> None:
    async with httpx.AsyncClient() as client:
        assert (await client.post(f"{provider.url}/good", json={})).json()["choices"][0]["index"] == 0
        assert (await client.post(f"{provider.url}/packed", json={})).content == PIECE * 20
        async with client.stream("POST", f"{provider.url}/sound") as sound:
            assert sum([len(part) async for part in sound.aiter_bytes()]) == 8 << 20
    with httpx.Client() as plain:
        assert plain.post(f"{provider.url}/packed", json={}).content == PIECE * 20


@pytest.mark.parametrize(("what", "most"), [("line", outgoing.MOST_LINE), ("lines", outgoing.MOST_ANSWER)])
async def test_a_stream_is_cut_at_a_long_line_and_at_its_whole_length(provider: Misbehaving, what: str, most: int) -> None:
    taken = 0
    async with httpx.AsyncClient() as client, client.stream("POST", f"{provider.url}/{what}") as stream:
        with pytest.raises(AnswerRefused):
            async for part in stream.aiter_bytes():
                taken += len(part)
    assert most - (1 << 20) < taken < most + (1 << 20)


async def test_an_answer_has_the_time_of_one_read_as_a_whole(provider: Misbehaving) -> None:
    begun = time.monotonic()
    async with httpx.AsyncClient(timeout=0.5) as client:
        with pytest.raises(httpx.ReadTimeout):
            await client.post(f"{provider.url}/slow", json={})
    assert time.monotonic() - begun < 2


async def test_others_are_served_while_one_answer_is_long(provider: Misbehaving) -> None:
    async with httpx.AsyncClient() as client:
        long = asyncio.create_task(client.post(f"{provider.url}/long", json={}))
        await asyncio.sleep(0.05)
        begun = time.monotonic()
        assert (await client.post(f"{provider.url}/good", json={})).status_code == 200
        assert time.monotonic() - begun < 1
        with pytest.raises(AnswerRefused):
            await long


TOLD = ("the provider answered with a redirect, which is not followed", "the provider's answer is too long")
KINDS = ("openai/gpt-4o", "anthropic/claude-3-5-haiku-20241022", "hosted_vllm/qwen")


@pytest.mark.parametrize("model", KINDS)
@pytest.mark.parametrize("what", ("redirect", "long", "headers", "line"))
async def test_litellm_ends_the_callers_request_with_502(provider: Misbehaving, model: str, what: str) -> None:
    import litellm

    async def ask() -> None:
        base = f"{provider.url}/{what}" + ("/v1" if not model.startswith("anthropic") else "")
        messages = [{"role": "user", "content": "hi"}]
        streams = what == "line"
        told = {"model": model, "api_base": base, "api_key": "k", "messages": messages, "max_retries": 0}
        answer = await litellm.acompletion(**told, stream=streams)
        if streams:
            async for _ in answer:
                pass

    with pytest.raises(Exception) as found:
        await ask()
    failure = failure_of(found.value)
    assert (failure.status, failure.type) == (502, "api_error")
    assert "127.0.0.1" not in failure.message
    assert what == "headers" or failure.message in TOLD  # aiohttp itself refuses the headers
