"""The quickstart as it is synthesized makes the keys of its four agents by itself, with what its nodes' role may do: they
lie in the store, have the numbers of the second document that this project started from, and are let in."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator

import pytest

from booting import CHAT, chat
from doubles.moto import Moto
from quickstart import KNOWN, Booted, Surroundings, Unstored, booted
from stored import Store, in_kms, in_moto
from synthesized import Stack

pytestmark = pytest.mark.real

ALL = {"qwen-max", "qwen-plus", "claude-opus", "gpt-4o", "deepseek-chat", "deepseek-reasoner"}
# By heart: requests a minute, tokens a day, yuan a day at 7.2 to the dollar, and the models that it may call.
AGENTS = {
    "research-agent": (120, 2_000_000, 800, ALL),
    "code-agent": (60, 1_000_000, 500, ALL),
    "support-agent": (300, 3_000_000, 600, {"qwen-max", "qwen-plus", "claude-opus"}),
    "schedule-agent": (10, 100_000, 40, {"qwen-plus"}),
}
Quickstart = tuple[Booted, Callable[[str], str | None]]


@pytest.fixture(scope="module", params=["aws", "alicloud"])
def quickstart(
    request: pytest.FixtureRequest, surroundings: Surroundings, moto: Moto, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Quickstart]:
    """And what tells the value of a secret."""
    kind = request.param

    def choose(here: Unstored) -> Store:
        if kind == "alicloud":
            return in_kms(here.cloud, here.settings["store"])
        for secret in Stack(surroundings.out / "quickstart-aws", KNOWN).resources("aws_secretsmanager_secret"):
            if "/agents/" in secret["name"]:
                moto.declare(secret["name"])
        return in_moto(moto, here.cloud, here.settings["store"], here.stack.granted())

    root = tmp_path_factory.mktemp("quickstart")
    with booted(surroundings, kind, root, f"litellm_quickstart_{kind}", choose, provisions=True) as gateway:

        def value(name: str) -> str | None:
            return moto.value(name) if kind == "aws" else gateway.cloud.secrets.get(name, ("", None))[1]

        yield gateway, value


def test_each_agent_has_its_key_and_its_numbers(quickstart: Quickstart) -> None:
    gateway, value = quickstart
    assert set(gateway.agents) == set(AGENTS)
    deadline = time.monotonic() + 180
    while '"event": "agents-provisioned"' not in gateway.said():
        assert time.monotonic() < deadline, gateway.said()[-3000:]
        time.sleep(0.2)
    keys = {agent: str(value(f"prod-gateway/agents/{agent}")) for agent in AGENTS}
    _, reply = gateway.ask("GET", "/key/list?return_full_object=true&size=100", None, gateway.master, "admin")
    limits = {key["metadata"]["aigw_agent"]: key["metadata"] for key in reply["keys"]}
    assert set(limits) == set(AGENTS)
    for agent, (qpm, tokens, yuan, models) in AGENTS.items():
        status, listed = gateway.ask("GET", "/v1/models", None, keys[agent])
        assert (status, {model["id"] for model in listed["data"]}) == (200, models)
        assert (limits[agent]["aigw_qpm"], limits[agent]["aigw_daily_tokens"]) == (qpm, tokens)
        assert limits[agent]["aigw_daily_budget_usd"] == pytest.approx(yuan / 7.2, abs=1e-4)
    said = {agent: gateway.ask("POST", CHAT, chat(model="claude-opus"), keys[agent])[0] for agent in AGENTS}
    assert said == {"research-agent": 200, "code-agent": 200, "support-agent": 200, "schedule-agent": 403}
    assert gateway.leaked(keys.values()) == []
