"""The counters of limits, in a real Redis: two nodes are two objects here."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import AsyncIterator, Iterator, Sequence
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest
import redis.asyncio
from aigw_node.counters import Outages, Run
from aigw_node.day_caps import DayCaps, cap_of, estimate
from aigw_node.errors import NodeError
from aigw_node.fleet_limits import FleetLimited, provider_of
from aigw_node.refusals import Refusals
from aigw_node.settings import FleetLimits, Rates
from fastapi import HTTPException

from doubles.certificate import certificate
from doubles.redis import Redis
from support import lacking, settings

SHANGHAI = ZoneInfo("Asia/Shanghai")
EVENING = datetime(2026, 3, 1, 23, 0, tzinfo=SHANGHAI).timestamp()
AGENT = {"aigw_agent": "research", "aigw_daily_tokens": 100}
ASKS = {"max_tokens": 30}
REFUSE = Outages(refuses=True)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Redis]:
    program = shutil.which("redis-server")
    if program is None:
        lacking("redis-server is not on this computer")
    folder = tmp_path_factory.mktemp("redis")
    server = Redis(program, folder, certificate(folder))
    yield server
    server.remove()


class Node:
    """A node's limits, with a clock of its own."""

    def __init__(self, client: redis.asyncio.Redis) -> None:
        self.now = EVENING

        def open_(script: str) -> Run:
            registered = client.register_script(script)

            async def run(keys: Sequence[str], arguments: Sequence[str | int]) -> Any:
                return await registered(keys=list(keys), args=list(arguments))

            return run

        limits = FleetLimits(3, {"openai": Rates(2, None), "deepseek": Rates(None, 50)})
        self.caps = DayCaps("gateway", SHANGHAI, 600, outages=REFUSE, open_=open_, now=lambda: self.now)
        self.fleet = FleetLimited("gateway", limits, REFUSE, open_)

    async def admits(self, call: str, **more: Any) -> bool:
        try:
            await self.caps.admit(AGENT, call, {**ASKS, **more})
        except HTTPException as error:
            self.refusal = error
            return False
        return True


@pytest.fixture
async def nodes(server: Redis) -> AsyncIterator[list[Node]]:
    server.client.flushall()
    client = redis.asyncio.Redis(
        host="127.0.0.1", port=server.port, password=server.password, ssl=True, ssl_ca_certs=str(server.certificate.file)
    )
    yield [Node(client), Node(client)]
    await client.aclose()


async def test_a_day_is_spent_over_both_nodes_and_the_next_one_opens(nodes: list[Node]) -> None:
    for index in range(4):
        node = nodes[index % 2]
        assert await node.admits(f"call-{index}")
        await node.caps.settle(f"call-{index}", 30)
    assert not await nodes[0].admits("fifth")
    headers = nodes[0].refusal.headers
    assert headers == {"Retry-After": "3601", "x-daily-tokens-limit": "100", "x-daily-tokens-used": "120"}
    nodes[0].now += 3601
    assert await nodes[0].admits("next day")


async def test_many_at_once_hold_what_they_may_use(nodes: list[Node]) -> None:
    admitted = await asyncio.gather(*(nodes[index % 2].admits(f"call-{index}") for index in range(40)))
    assert sum(admitted) == 3
    refused = next(node for node in nodes if hasattr(node, "refusal"))
    assert refused.refusal.headers["Retry-After"] == "1"


async def test_what_failed_gives_back_what_it_held(nodes: list[Node]) -> None:
    for index in range(10):
        assert await nodes[0].admits(f"call-{index}", max_tokens=90)
        await nodes[0].caps.settle(f"call-{index}", 0)


async def test_a_request_alone_is_served_however_long_it_may_get(nodes: list[Node]) -> None:
    assert await nodes[0].admits("long", max_tokens=1_000_000)
    assert not await nodes[1].admits("other")


async def test_what_a_dead_node_held_is_forgotten(nodes: list[Node]) -> None:
    assert await nodes[0].admits("lost", max_tokens=1_000_000)
    nodes[1].now += 601
    assert await nodes[1].admits("later")


async def test_an_end_is_counted_once_and_for_the_day_of_the_beginning(nodes: list[Node]) -> None:
    node = nodes[0]
    assert await node.admits("over midnight")
    node.now += 3700
    for _ in range(2):
        await node.caps.settle("over midnight", 100)
    assert await node.admits("next day")
    nodes[1].now = EVENING
    assert not await nodes[1].admits("same day")


async def test_keys_without_a_cap_are_not_counted(nodes: list[Node], server: Redis) -> None:
    await nodes[0].caps.admit({"aigw_agent": "research"}, "call", ASKS)
    await nodes[0].caps.admit(None, "call", ASKS)
    assert server.client.keys("*") == []


async def test_the_gateways_minute_is_exact_over_both_nodes(nodes: list[Node], server: Redis) -> None:
    async def one(index: int) -> str:
        try:
            await nodes[index % 2].fleet.admit()
        except HTTPException as error:
            return str(error.headers)
        return "admitted"

    said = await asyncio.gather(*(one(index) for index in range(20)))
    assert said.count("admitted") == 3
    assert {"{'Retry-After': '60'}"} == set(said) - {"admitted"}
    (key,) = server.client.keys("*gateway*")
    server.client.delete(key)
    assert await one(0) == "admitted"


async def test_a_providers_minute_looks_like_the_providers_own_429(nodes: list[Node]) -> None:
    from litellm.exceptions import RateLimitError

    asked = {"model": "gpt", "model_info": {"id": "openai-7"}, "metadata": {"model_group_size": 2}}
    await nodes[0].fleet.admit_deployment(asked)
    await nodes[1].fleet.admit_deployment(asked)
    with pytest.raises(RateLimitError) as error:
        await nodes[0].fleet.admit_deployment(asked)
    assert error.value.response.headers["retry-after"] == "60"
    assert error.value.num_retries is None
    await nodes[0].fleet.admit_deployment({"model": "x", "model_info": {"id": "other-1"}})


async def test_where_no_other_deployment_is_left_the_router_neither_waits_nor_tries_again(nodes: list[Node]) -> None:
    from litellm.exceptions import RateLimitError

    asked = {"model": "gpt", "model_info": {"id": "openai-7"}, "litellm_metadata": {"model_group_size": 1}}
    for _ in range(2):
        await nodes[0].fleet.admit_deployment(asked)
    with pytest.raises(RateLimitError) as error:
        await nodes[0].fleet.admit_deployment(asked)
    assert (error.value.num_retries, "retry-after" in error.value.response.headers) == (0, False)


async def test_a_call_that_litellm_makes_through_another_is_counted_once(nodes: list[Node]) -> None:
    passed: dict[str, Any] = {"model": "gpt", "model_info": {"id": "openai-7"}}
    for _ in range(5):
        passed = await nodes[0].fleet.admit_deployment(passed)
    assert passed["model_info"]["id"] == "openai-7"
    assert await nodes[1].fleet.admit_deployment({"model": "gpt", "model_info": {"id": "openai-7"}})


async def test_a_providers_tokens_close_its_minute(nodes: list[Node]) -> None:
    from litellm.exceptions import RateLimitError

    asked = {"model": "chat", "model_info": {"id": "deepseek-1"}}
    for _ in range(5):
        await nodes[0].fleet.admit_deployment(asked)
    await nodes[1].fleet.used("deepseek-1", 50)
    with pytest.raises(RateLimitError):
        await nodes[0].fleet.admit_deployment(asked)


@pytest.mark.parametrize("refuses", [True, False])
async def test_without_redis_requests_are_refused_or_served_by_the_setting(
    refuses: bool, capfd: pytest.CaptureFixture[str]
) -> None:
    def away(script: str) -> Run:
        async def run(keys: Sequence[str], arguments: Sequence[str | int]) -> Any:
            raise ConnectionError("canary-address")

        return run

    caps = DayCaps("gateway", SHANGHAI, 600, outages=Outages(refuses), open_=away)
    for _ in range(20):
        try:
            await caps.admit(AGENT, "call", ASKS)
            assert not refuses
        except HTTPException as error:
            assert refuses
            assert (error.status_code, error.headers) == (503, {"Retry-After": "5"})
    said = capfd.readouterr().err
    assert [line.split('"times": ')[1] for line in said.splitlines()] == ["1}", "10}"]
    assert "canary" not in said


def test_an_estimate_holds_the_prompt_and_the_longest_answer() -> None:
    message = {"role": "user", "content": "x" * 396}
    assert estimate({"messages": [message], "max_tokens": 50}) == 150
    assert estimate({"messages": [message]}) == 1100
    picture = {"type": "image_url", "image_url": {"url": "data:image/png;base64," + "x" * 4000}}
    assert estimate({"messages": [{"content": [picture]}], "max_completion_tokens": 5}) < 10
    assert estimate({"input": ["y" * 40, "y" * 40], "max_tokens": True}) == 1020


def test_a_cap_that_is_no_number_lets_nothing_through() -> None:
    assert cap_of({"aigw_agent": "a", "aigw_daily_tokens": "100"}) == ("a", 0)
    assert cap_of({"aigw_agent": "a", "aigw_daily_tokens": 100}) == ("a", 100)
    assert cap_of({"aigw_daily_tokens": 100}) is None


def test_a_deployment_names_its_provider() -> None:
    assert [provider_of(name) for name in ("pai-finetune-12", "openai-1", None, "x")] == ["pai-finetune", "openai", "", ""]


def test_settings_name_what_is_wrong() -> None:
    with pytest.raises(NodeError, match="timezone 'Asia/Nowhere' is unknown"):
        settings(timezone="Asia/Nowhere")
    with pytest.raises(NodeError, match=r"limits.withoutRedis 'hope' is none of refuse, serve"):
        settings(limits={"withoutRedis": "hope"})
    with pytest.raises(NodeError, match="fleetLimits can not be counted without redis"):
        settings(fleetLimits={"rpm": 5})
    held = settings(fleetLimits={"providers": {"openai": {"tpm": 7}}}, redis={"host": "redis.internal"})
    assert held.fleet_limits == FleetLimits(None, {"openai": Rates(None, 7)})


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/v1/chat/completions", {"error": {"message": "m", "type": "t", "param": None, "code": "t"}}),
        ("/v1/messages", {"type": "error", "error": {"type": "rate_limit_error", "message": "m"}}),
    ],
)
async def test_a_refusal_is_told_in_the_words_of_the_route(path: str, body: dict[str, Any]) -> None:
    import json

    from aigw_node.refusals import Refusal, refuse

    async def app(scope: Any, receive: Any, send: Any) -> None:
        try:
            refuse(Refusal(429, "m", "t", 7, {"x-more": "1"}))
        except HTTPException:
            await send({"type": "http.response.start", "status": 500, "headers": []})
            await send({"type": "http.response.body", "body": b"LiteLLM's own"})

    sent: list[Any] = []

    async def send(message: Any) -> None:
        sent.append(message)

    await Refusals(app)({"type": "http", "path": path}, None, send)  # type: ignore[arg-type]
    start, end = sent
    assert (start["status"], json.loads(end["body"])) == (429, body)
    assert dict(start["headers"])[b"retry-after"] == b"7"
    assert dict(start["headers"])[b"x-more"] == b"1"


@pytest.mark.parametrize(
    ("status", "own", "said"), [(429, [], [b"9"]), (429, [(b"Retry-After", b"3")], [b"3"]), (200, [], [])]
)
async def test_advice_is_given_where_a_request_ends_with_429(status: int, own: list[Any], said: list[bytes]) -> None:
    from aigw_node.refusals import advise

    async def app(scope: Any, receive: Any, send: Any) -> None:
        advise(9)
        await send({"type": "http.response.start", "status": status, "headers": own})

    sent: list[Any] = []

    async def send(message: Any) -> None:
        sent.append(message)

    await Refusals(app)({"type": "http", "path": "/v1/responses"}, None, send)  # type: ignore[arg-type]
    assert [value for name, value in sent[0]["headers"] if name.lower() == b"retry-after"] == said
