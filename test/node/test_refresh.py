from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest
from aigw_node import refresh, secrets

from support import settings, whole_store

CONFIG = {
    "credential_list": [
        {
            "credential_name": "openai",
            "credential_info": {},
            "credential_values": {"api_key": "os.environ/AIGW_OPENAI_API_KEY", "api_base": "https://provider.example"},
        }
    ]
}


class Rig:
    def __init__(self, interval: float = 900) -> None:
        self.store, self.settings = whole_store(), settings()
        self.given: list[tuple[str, dict[str, Any]]] = []
        self.told: list[tuple[str, str, bool]] = []  # secret, version, whether it changed
        self.refresher = refresh.Refresher(
            lambda: secrets.read(self.settings, {None: self.store}),
            secrets.read_all(self.settings, {None: self.store}),
            refresh.credentials_of(CONFIG),
            interval,
            tell=lambda *in_use: self.told.append(in_use),
            replace=lambda credential, values: self.given.append((credential.name, values)),
        )

    def keys(self) -> list[str]:
        return [values["api_key"] for _, values in self.given]


@pytest.fixture
def rig(monkeypatch: pytest.MonkeyPatch) -> Rig:
    for name in ("AIGW_OPENAI_API_KEY", "LITELLM_MASTER_KEY", "LITELLM_SALT_KEY"):
        monkeypatch.setenv(name, "before")
    return Rig()


def events(capsys: pytest.CaptureFixture[str]) -> list[dict[str, Any]]:
    return [json.loads(line) for line in capsys.readouterr().err.splitlines()]


async def test_a_new_value_goes_in_with_all_of_its_credential(rig: Rig, capsys: pytest.CaptureFixture[str]) -> None:
    rig.store.texts["prod-gateway/openai"] = '{"api_key": "canary-new"}'
    rig.store.version = 2
    await rig.refresher.once()
    assert rig.given == [("openai", {"api_key": "canary-new", "api_base": "https://provider.example"})]
    assert ("prod-gateway/openai", "v2", True) in rig.told
    assert "canary" not in capsys.readouterr().err
    await rig.refresher.once()
    assert rig.told[-1][2] is False


async def test_a_bad_value_leaves_the_last_good_one_and_the_others_rotate(
    rig: Rig, capsys: pytest.CaptureFixture[str]
) -> None:
    await rig.refresher.once()
    rig.store.texts["prod-gateway/openai"] = "canary, no JSON"
    rig.store.texts["prod-gateway/salt-key"] = "canary-other"
    await rig.refresher.once()
    assert rig.keys() == ["canary-1", "canary-1"]
    failed = [each for each in events(capsys) if each["event"] == "secrets-refresh-failed"]
    assert len(failed) == 1
    assert failed[0]["failures"] == 1
    assert "prod-gateway/openai" in failed[0]["problems"][0]
    assert "canary" not in json.dumps(failed)
    assert (rig.refresher.counters.succeeded, rig.refresher.counters.failed) == (1, 1)


@pytest.mark.parametrize("breaks", ["one", "all"])
async def test_what_can_not_be_read_is_told_as_still_in_use(rig: Rig, breaks: str) -> None:
    rig.store.version = 2
    if breaks == "one":
        rig.store.texts["prod-gateway/openai"] = "canary, no JSON"
    else:
        rig.store.get = None  # type: ignore[method-assign, assignment]
    await rig.refresher.once()
    assert ("prod-gateway/openai", "v1", False) in rig.told
    assert (("prod-gateway/salt-key", "v2", True) in rig.told) == (breaks == "one")
    assert len(rig.told) == len({name for name, _, _ in rig.told})


async def test_a_store_that_breaks_in_an_unforeseen_way_ends_nothing(rig: Rig, capsys: pytest.CaptureFixture[str]) -> None:
    rig.store.get = None  # type: ignore[method-assign, assignment]
    await rig.refresher.once()
    assert events(capsys)[0]["problems"] == ["TypeError"]
    assert not rig.given


async def test_it_goes_on_by_itself_until_it_is_cancelled(rig: Rig) -> None:
    rig = Rig(interval=0.05)
    task = asyncio.create_task(rig.refresher.run())
    await asyncio.sleep(0.4)
    task.cancel()
    assert 3 <= len(rig.given) <= 9
