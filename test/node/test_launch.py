"""A new node tells its scaling group that it serves."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from aigw_node import alicloud, launch
from aigw_node.errors import NodeError
from aigw_node.settings import Settings

from doubles import scaling
from doubles.cloud import Cloud
from support import only_the_role, settings

WAIT = 2700
LAUNCH: dict[str, dict[str, Any]] = {
    "aws": {"kind": "ec2-auto-scaling", "group": scaling.GROUP, "hook": scaling.HOOK, "waitSeconds": WAIT},
    "alicloud": {"kind": "ess", "waitSeconds": WAIT},
}


@pytest.fixture
def waited(cloud: Cloud, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    """The settings of a node that has just booted and that its group waits for."""
    only_the_role(cloud, monkeypatch)
    monkeypatch.setattr(alicloud, "METADATA", cloud.url)
    monkeypatch.setattr(launch, "UPTIME", tmp_path / "uptime")
    launch.UPTIME.write_text("60.25 100.00\n")
    cloud.group_waits = True
    return settings(region=cloud.region, launch={**LAUNCH[cloud.kind], "endpoint": cloud.url})


class Pauses(list[float]):
    """Pauses that do not pause; `then` happens in the first."""

    def __init__(self, then: Any = lambda: None) -> None:
        super().__init__()
        self._then = then

    def __call__(self, seconds: float) -> None:
        self.append(seconds)
        if len(self) == 1:
            self._then()


def said(captured: pytest.CaptureFixture[str]) -> list[str]:
    return [json.loads(line)["event"] for line in captured.readouterr().err.splitlines()]


def test_the_group_goes_on(cloud: Cloud, waited: Settings, capsys: pytest.CaptureFixture[str]) -> None:
    launch.run(waited)
    assert not cloud.group_waits
    assert said(capsys) == ["launched"]


def test_the_group_may_begin_to_wait_later_than_the_node_serves(cloud: Cloud, waited: Settings) -> None:
    cloud.group_waits = False
    launch.run(waited, Pauses(lambda: setattr(cloud, "group_waits", True)))
    assert not cloud.group_waits


def test_a_permission_that_comes_later_than_the_node_is_waited_for(cloud: Cloud, waited: Settings) -> None:
    cloud.denied = {"autoscaling", "CompleteLifecycleAction"}
    launch.run(waited, Pauses(cloud.denied.clear))
    assert not cloud.group_waits


def test_a_group_that_can_not_be_told_is_named_with_its_reason(
    cloud: Cloud, waited: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(launch, "PATIENCE", 0.0)
    cloud.denied = {"autoscaling", "DescribeLifecycleActions"}
    with pytest.raises(NodeError, match=r"does not hear that this node serves.*(AccessDenied|Unauthorized)") as caught:
        launch.run(waited)
    assert cloud.secret not in str(caught.value)
    assert cloud.session not in str(caught.value)
    assert cloud.group_waits


@pytest.mark.parametrize("cloud", ["aws"], indirect=True)
def test_another_refusal_is_no_sign_that_nothing_waits(
    cloud: Cloud, waited: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(launch, "PATIENCE", 0.0)
    monkeypatch.setattr(scaling, "GROUP", "another-group")
    with pytest.raises(NodeError, match="ValidationError"):
        launch.run(waited)


def test_a_group_out_of_reach_is_named(cloud: Cloud, waited: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(launch, "PATIENCE", 0.0)
    away = {**LAUNCH[cloud.kind], "endpoint": "http://127.0.0.1:1"}
    with pytest.raises(NodeError, match="will replace it: "):
        launch.run(settings(region=cloud.region, launch=away))


def test_a_node_that_nothing_waits_for_says_so(
    cloud: Cloud, waited: Settings, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(launch, "PATIENCE", 11.0)
    cloud.group_waits = False
    pauses = Pauses()
    monkeypatch.setattr(launch.time, "monotonic", lambda: sum(pauses))
    launch.run(waited, pauses)
    assert (pauses, said(capsys)) == ([5.0, 5.0], ["not-awaited"])


def test_a_node_that_has_run_for_longer_than_the_group_waits_asks_nobody(cloud: Cloud, waited: Settings) -> None:
    launch.UPTIME.write_text(f"{WAIT + 1}.00 100.00\n")
    launch.run(waited)
    assert cloud.log == []


def test_a_node_of_no_group_asks_nobody(cloud: Cloud) -> None:
    assert settings().launch is None
    launch.run(settings())
    assert cloud.log == []


def test_settings_of_another_kind_of_group_are_refused() -> None:
    with pytest.raises(NodeError, match=r"launch\.kind 'gce' is none of ec2-auto-scaling, ess"):
        settings(launch={"kind": "gce", "waitSeconds": 1})
