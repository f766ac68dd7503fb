"""The counters of limits, in a real Redis: two nodes are two objects here."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest
import redis.asyncio
from aigw_node.agent_limits import AgentLimits
from aigw_node.counters import Counters, Open, Outages, Run
from aigw_node.day_caps import DayCaps
from aigw_node.errors import NodeError
from aigw_node.fleet_limits import FleetLimited, provider_of
from aigw_node.ledger.estimate import Asked
from aigw_node.ledger.money import microdollars
from aigw_node.limits import Limits
from aigw_node.settings import FleetLimits, Rates
from fastapi import HTTPException

from doubles.certificate import certificate
from doubles.redis import Redis
from support import lacking, settings

SHANGHAI = ZoneInfo("Asia/Shanghai")
EVENING = datetime(2026, 3, 1, 23, 0, tzinfo=SHANGHAI).timestamp()
DAY = {"aigw_daily_tokens": 100}
PRICES = {"priced": ({"input_cost_per_token": 1e-6, "output_cost_per_token": 1e-3},)}
FLEET = FleetLimits(None, {"openai": Rates(2, None), "deepseek": Rates(None, 50)})


def asks(model: str = "priced", max_tokens: int = 30) -> Asked:
    return Asked(model, "chat", {"max_tokens": max_tokens})


def limits_of(open_: Open, fleet: FleetLimits = FLEET, *, refuses: bool = True, now: Callable[[], float]) -> Limits:
    agents = AgentLimits("gateway", DayCaps(SHANGHAI, lambda model: PRICES.get(model, ())))
    return Limits(FleetLimited("gateway", fleet), agents, Counters(open_, Outages(refuses)), longest=600, now=now)


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

    def __init__(self, client: redis.asyncio.Redis, fleet: FleetLimits = FLEET) -> None:
        self.client, self.now, self.calls = client, EVENING, 0

        def open_(script: str) -> Run:
            registered = client.register_script(script)

            async def run(keys: Sequence[str], arguments: Sequence[str | int]) -> Any:
                self.calls += 1
                return await registered(keys=list(keys), args=list(arguments))

            return run

        self.limits = limits_of(open_, fleet, now=lambda: self.now)

    async def admits(self, call: str, limits: dict[str, Any] = DAY, **more: Any) -> bool:
        try:
            await self.limits.admit({"aigw_agent": "research", **limits}, call, asks(**more))
        except HTTPException as error:
            self.refusal = error
            return False
        return True

    async def settle(self, call: str, tokens: int = 0, microdollars: int = 0) -> None:
        await self.limits.settle(call, None, tokens, microdollars)

    def refused(self) -> tuple[Any, ...]:
        assert isinstance(self.refusal.detail, dict)
        return self.refusal.status_code, self.refusal.detail["type"], self.refusal.headers


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
        await node.settle(f"call-{index}", 30)
    assert not await nodes[0].admits("fifth")
    headers = nodes[0].refusal.headers
    assert headers == {"retry-after": "3601", "x-daily-tokens-limit": "100", "x-daily-tokens-used": "120"}
    nodes[0].now += 3601
    assert await nodes[0].admits("next day")


async def test_many_at_once_hold_what_they_may_use(nodes: list[Node]) -> None:
    admitted = await asyncio.gather(*(nodes[index % 2].admits(f"call-{index}") for index in range(40)))
    assert sum(admitted) == 3
    refused = next(node for node in nodes if hasattr(node, "refusal"))
    assert refused.refusal.headers["retry-after"] == "1"


async def test_what_failed_gives_back_what_it_held(nodes: list[Node]) -> None:
    for index in range(10):
        assert await nodes[0].admits(f"call-{index}", max_tokens=90)
        await nodes[0].settle(f"call-{index}", 0)


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
        await node.settle("over midnight", 100)
    assert await node.admits("next day")
    nodes[1].now = EVENING
    assert not await nodes[1].admits("same day")


async def test_a_days_money_is_spent_over_both_nodes_and_the_next_one_opens(nodes: list[Node]) -> None:
    budget = {"aigw_daily_budget_usd": 0.1}
    for index in range(4):
        assert await nodes[index % 2].admits(f"call-{index}", budget)
        await nodes[index % 2].settle(f"call-{index}", 1_000_000, microdollars(0.03))
    assert not await nodes[0].admits("fifth", budget)
    headers = {"retry-after": "3601", "x-daily-budget-limit-usd": "0.1", "x-daily-budget-used-usd": "0.12"}
    assert nodes[0].refused() == (429, "daily_budget_exceeded", headers)
    nodes[0].now += 3601
    assert await nodes[0].admits("next day", budget)


async def test_many_at_once_hold_the_money_that_they_may_use(nodes: list[Node]) -> None:
    """30 tokens of an answer cost 0.03 dollars."""

    async def admitted(**more: Any) -> int:
        asked = (nodes[i % 2].admits(f"{more}-{i}", {"aigw_daily_budget_usd": 0.1}, **more) for i in range(40))
        return sum(await asyncio.gather(*asked))

    assert await admitted() == 3
    status, kind, headers = next(node for node in nodes if hasattr(node, "refusal")).refused()
    assert (status, kind, headers["retry-after"]) == (429, "daily_budget_held", "1")
    assert (headers["x-daily-budget-limit-usd"], headers["x-daily-budget-used-usd"]) == ("0.1", "0")
    assert await admitted(model="of no known price") == 40


@pytest.mark.parametrize("both_keys", [DAY, {**DAY, "aigw_tpm": 1000}])
async def test_an_agents_minute_is_exact_over_both_nodes_and_all_its_keys(
    nodes: list[Node], server: Redis, both_keys: dict[str, Any]
) -> None:
    keys = {**both_keys, "aigw_qpm": 20}, {"aigw_qpm": 20}

    async def one(index: int) -> bool:
        node = nodes[index % 2]
        admitted = await node.admits(f"call-{index}", keys[index // 2 % 2], max_tokens=1)
        await node.settle(f"call-{index}")
        return admitted

    assert sum(await asyncio.gather(*(one(index) for index in range(60)))) == 20
    assert nodes[1].refused() == (429, "agent_rate_limit", {"retry-after": "60"})
    assert nodes[1].refusal.detail["error"] == "this agent's 20 requests a minute are used; free again in 60 s"  # type: ignore[index]
    (key,) = server.client.keys("*:requests")
    server.client.pexpire(key, 1500)
    assert not await nodes[0].admits("early", keys[0])
    assert nodes[0].refused()[2] == {"retry-after": "2"}
    await asyncio.sleep(1.6)
    assert await nodes[0].admits("next minute", keys[0])


async def test_an_agents_tokens_close_its_minute_once_they_are_used(nodes: list[Node], server: Redis) -> None:
    limit = {"aigw_tpm": 100}
    for index in range(10):
        assert await nodes[index % 2].admits(f"call-{index}", limit)
    (key,) = server.client.keys("*")
    server.client.expire(key, 40)  # the minute began with the first of them
    for index in range(4):
        await nodes[index % 2].settle(f"call-{index}", 30)
    assert not await nodes[0].admits("late", limit)
    assert nodes[0].refused() == (429, "agent_token_rate_limit", {"retry-after": "40"})
    assert nodes[0].refusal.detail["error"] == "this agent's 100 tokens a minute are used; free again in 40 s"  # type: ignore[index]
    server.client.delete(key)
    await nodes[1].settle("call-5", 100)  # begins another one
    assert not await nodes[1].admits("later", limit)
    assert 58 <= server.client.ttl(key) <= 60  # type: ignore[operator]


async def test_what_one_limit_refuses_is_counted_in_no_other(nodes: list[Node], server: Redis) -> None:
    fleet = [Node(node.client, FleetLimits(5, {})) for node in nodes]
    for call in ("first", "second"):
        assert await fleet[0].admits(call, {"aigw_qpm": 2, "aigw_daily_tokens": 100}, max_tokens=1)
        await fleet[0].settle(call, 50)
    for _ in range(20):
        assert not await fleet[0].admits("agent's minute", {"aigw_qpm": 2})
        assert not await fleet[1].admits("agent's day", {"aigw_qpm": 50, "aigw_daily_tokens": 100})
    assert fleet[1].refused()[1] == "daily_tokens_exceeded"
    other = {"aigw_agent": "other", "aigw_qpm": 50}
    assert [await fleet[0].admits(f"other-{index}", other) for index in range(4)] == [True, True, True, False]
    assert fleet[0].refused()[1] == "gateway_rate_limit"
    counted = {key.decode().rsplit("}:")[1]: int(server.client.get(key)) for key in server.client.keys("*:requests")}  # type: ignore[arg-type,union-attr]
    assert counted == {"gateway:requests": 5, "agent:research:requests": 2, "agent:other:requests": 3}


@pytest.mark.parametrize(
    ("limits", "calls"),
    [
        ({}, (0, 0)),
        ({"aigw_qpm": 5}, (1, 0)),
        ({"aigw_tpm": 5}, (1, 1)),
        ({"aigw_qpm": 5, "aigw_tpm": 5, "aigw_daily_tokens": 5, "aigw_daily_budget_usd": 5}, (1, 1)),
    ],
)
async def test_redis_is_asked_once_before_and_once_after_for_all_of_an_agents_limits(
    nodes: list[Node], server: Redis, limits: dict[str, Any], calls: tuple[int, int]
) -> None:
    node = nodes[0]
    assert await node.admits("call", limits)
    before, node.calls = node.calls, 0
    await node.settle("call", 7, 7)
    assert (before, node.calls) == calls
    assert all(server.client.ttl(key) > 0 for key in server.client.keys("*"))  # type: ignore[operator,union-attr]


async def test_keys_of_no_agent_are_not_counted(nodes: list[Node], server: Redis) -> None:
    await nodes[0].limits.admit({"aigw_daily_tokens": 1, "aigw_qpm": 1}, "call", asks())
    await nodes[0].limits.admit(None, "call", asks())
    assert server.client.keys("*") == []


async def test_the_gateways_minute_is_exact_over_both_nodes(nodes: list[Node], server: Redis) -> None:
    fleet = [Node(node.client, FleetLimits(3, {})) for node in nodes]
    said = await asyncio.gather(*(fleet[index % 2].admits(f"call-{index}", {}) for index in range(20)))
    assert said.count(True) == 3
    assert fleet[0].refused() == (429, "gateway_rate_limit", {"retry-after": "60"})
    (key,) = server.client.keys("*gateway*")
    server.client.delete(key)
    assert await fleet[0].admits("later", {})


async def test_a_providers_minute_looks_like_the_providers_own_429(nodes: list[Node]) -> None:
    from litellm.exceptions import RateLimitError

    asked = {"model": "gpt", "model_info": {"id": "openai-7"}, "metadata": {"model_group_size": 2}}
    await nodes[0].limits.admit_deployment(asked)
    await nodes[1].limits.admit_deployment(asked)
    with pytest.raises(RateLimitError) as error:
        await nodes[0].limits.admit_deployment(asked)
    assert error.value.response.headers["retry-after"] == "60"
    assert error.value.num_retries is None
    await nodes[0].limits.admit_deployment({"model": "x", "model_info": {"id": "other-1"}})


async def test_where_no_other_deployment_is_left_the_router_neither_waits_nor_tries_again(nodes: list[Node]) -> None:
    from litellm.exceptions import RateLimitError

    asked = {"model": "gpt", "model_info": {"id": "openai-7"}, "litellm_metadata": {"model_group_size": 1}}
    for _ in range(2):
        await nodes[0].limits.admit_deployment(asked)
    with pytest.raises(RateLimitError) as error:
        await nodes[0].limits.admit_deployment(asked)
    assert (error.value.num_retries, "retry-after" in error.value.response.headers) == (0, False)


async def test_a_call_that_litellm_makes_through_another_is_counted_once(nodes: list[Node]) -> None:
    passed: dict[str, Any] = {"model": "gpt", "model_info": {"id": "openai-7"}}
    for _ in range(5):
        passed = await nodes[0].limits.admit_deployment(passed)
    assert passed["model_info"]["id"] == "openai-7"
    assert await nodes[1].limits.admit_deployment({"model": "gpt", "model_info": {"id": "openai-7"}})


async def test_a_providers_tokens_close_its_minute(nodes: list[Node]) -> None:
    from litellm.exceptions import RateLimitError

    asked = {"model": "chat", "model_info": {"id": "deepseek-1"}}
    for _ in range(5):
        await nodes[0].limits.admit_deployment(asked)
    await nodes[1].limits.settle("call", "deepseek-1", 50, 0)
    with pytest.raises(RateLimitError):
        await nodes[0].limits.admit_deployment(asked)


@pytest.mark.parametrize("limit", [{"aigw_qpm": 1}, {"aigw_daily_budget_usd": 1}])
@pytest.mark.parametrize("refuses", [True, False])
async def test_without_redis_requests_are_refused_or_served_by_the_setting(
    refuses: bool, limit: dict[str, Any], capfd: pytest.CaptureFixture[str]
) -> None:
    def away(script: str) -> Run:
        async def run(keys: Sequence[str], arguments: Sequence[str | int]) -> Any:
            raise ConnectionError("canary-address")

        return run

    limits = limits_of(away, refuses=refuses, now=lambda: EVENING)
    for _ in range(20):
        try:
            await limits.admit({"aigw_agent": "research", **limit}, "call", asks())
            assert not refuses
        except HTTPException as error:
            assert refuses
            assert (error.status_code, error.headers) == (503, {"retry-after": "5"})
    said = capfd.readouterr().err
    assert [line.split('"times": ')[1] for line in said.splitlines()] == ["1}", "10}"]
    assert "canary" not in said


@pytest.mark.parametrize("name", ["aigw_qpm", "aigw_tpm", "aigw_daily_tokens", "aigw_daily_budget_usd"])
@pytest.mark.parametrize("bad", ["100", True, [1], -1, 0, float("nan")])
async def test_a_limit_that_is_no_number_lets_nothing_through(nodes: list[Node], name: str, bad: Any) -> None:
    assert not await nodes[0].admits("call", {name: bad})
    assert nodes[0].refused()[0] == 429
    assert 1 < int(nodes[0].refused()[2]["retry-after"]) <= 3601


async def test_a_limit_that_is_not_there_does_not_hold(nodes: list[Node], server: Redis) -> None:
    assert await nodes[0].admits(
        "call", dict.fromkeys(("aigw_qpm", "aigw_tpm", "aigw_daily_tokens", "aigw_daily_budget_usd"))
    )
    assert server.client.keys("*") == []


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
