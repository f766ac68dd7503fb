"""The shipper against the doubles of both log stores: every line at least once, whatever happens in between."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from aigw_node import alicloud
from aigw_node.errors import NodeError
from aigw_node.log_stores import CloudWatch, LogStore, SlsStore, StoreAway
from aigw_node.ship import CURSOR, Shipper
from aigw_node.sls import Sls

from conftest import FILES
from doubles.cloud import Cloud
from doubles.logs import GROUP, STORE
from support import only_the_role, settings, settings_json

NODE = "node-1"
Settings = dict[str, Any]


@pytest.fixture
def store(cloud: Cloud, monkeypatch: pytest.MonkeyPatch) -> LogStore:
    if cloud.kind == "aws":
        only_the_role(cloud, monkeypatch)
        return CloudWatch(GROUP, cloud.region, NODE, cloud.url)
    sls = Sls("project", STORE, cloud.region, cloud.url, alicloud.RoleCredentials(cloud.url))
    return SlsStore(sls, "prod-gateway", NODE)


def line(index: int, **more: Any) -> bytes:
    time = f"2026-11-23T03:20:{index // 1000 + 10:02}.{index % 1000:03}+00:00"
    fields = {"version": 1, "event": "request", "time": time, "request_id": str(index), "status": 200, **more}
    return json.dumps(fields).encode() + b"\n"


def numbers(cloud: Cloud) -> list[int]:
    return [int(kept["request_id"]) for kept in cloud.kept.get(NODE, [])]


def write(folder: Path, file: int, *lines: bytes) -> Path:
    path = folder / f"requests-{file}-1.jsonl"
    with path.open("ab") as out:
        out.write(b"".join(lines))
    return path


def test_lines_arrive_whole_and_once(cloud: Cloud, store: LogStore, tmp_path: Path) -> None:
    shipper = Shipper(tmp_path, store)
    write(tmp_path, 1, *map(line, range(5)))
    write(tmp_path, 2, line(5), line(6)[:30])
    assert shipper.once() == 6
    write(tmp_path, 2, line(6)[30:], line(7, cost=0.5, error="größer"))
    assert Shipper(tmp_path, store).once() == 2  # after a restart
    assert shipper.once() == 2  # what an older process knows less of comes twice
    assert sorted(set(numbers(cloud))) == list(range(8))
    last = cloud.kept[NODE][-1]
    assert (last["error"], str(last["cost"]), str(last["status"])) == ("größer", "0.5", "200")
    assert cloud.kind == "aws" or last["__time__"] == "1795404010"


def test_nothing_is_lost_while_the_store_is_away(cloud: Cloud, store: LogStore, tmp_path: Path) -> None:
    shipper = Shipper(tmp_path, store)
    write(tmp_path, 1, *map(line, range(3)))
    cloud.log_trouble = [(503, "ServiceUnavailableException")] * 2 + [(403, "AccessDeniedException")]
    for _ in range(3):
        with pytest.raises(StoreAway):
            shipper.once()
        if not cloud.log_trouble:
            break
    assert shipper.once() == 3
    assert numbers(cloud) == [0, 1, 2]


def test_many_lines_go_in_batches_that_the_store_takes(cloud: Cloud, store: LogStore, tmp_path: Path) -> None:
    write(tmp_path, 1, *map(line, range(5000)))
    write(tmp_path, 2, *(line(5000 + index, request="x" * 300_000) for index in range(8)))
    write(tmp_path, 3, line(5008).replace(b"11-23", b"11-20"), line(5009))  # a night apart, and out of order
    assert Shipper(tmp_path, store).once() == 5010
    assert numbers(cloud) == list(range(5010))


def test_words_that_are_too_long_are_left_out_and_the_rest_is_kept(cloud: Cloud, store: LogStore, tmp_path: Path) -> None:
    write(tmp_path, 1, line(0, request="x" * 2_000_000), line(1))
    Shipper(tmp_path, store).once()
    assert numbers(cloud) == [0, 1]
    assert "request" not in cloud.kept[NODE][0]
    assert str(cloud.kept[NODE][0]["shortened"]).lower() == "true"


def test_one_line_that_no_store_takes_holds_up_none(
    cloud: Cloud, store: LogStore, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    cloud.poison = "canary-poison"
    write(
        tmp_path, 1, *map(line, range(10)), line(10, error="canary-poison"), b"no JSON\n", b"[]\n", *map(line, range(11, 20))
    )
    Shipper(tmp_path, store).once()
    assert sorted(numbers(cloud)) == [*range(10), *range(11, 20)]
    said = capfd.readouterr().err
    assert '"request": "10"' in said
    assert said.count("request-line-unreadable") == 2
    assert "canary" not in said


def test_a_spoilt_cursor_sends_again_and_a_removed_file_is_forgotten(cloud: Cloud, store: LogStore, tmp_path: Path) -> None:
    first = write(tmp_path, 1, line(0))
    Shipper(tmp_path, store).once()
    (tmp_path / CURSOR).write_text('["')
    Shipper(tmp_path, store).once()
    assert numbers(cloud) == [0, 0]
    first.unlink()
    write(tmp_path, 2, line(1))
    Shipper(tmp_path, store).once()
    assert list(json.loads((tmp_path / CURSOR).read_text())) == ["requests-2-1.jsonl"]


def wait(condition: Callable[[], bool], seconds: float = 60) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.05)


@pytest.mark.parametrize("cloud", ["aws"], indirect=True)
def test_a_node_that_leaves_ships_what_is_left(cloud: Cloud, tmp_path: Path) -> None:
    """The process as the unit starts it: killed in between it goes on where it was; at SIGTERM it empties the folder."""
    log = {"kind": "cloudwatch", "group": GROUP, "region": cloud.region, "endpoint": cloud.url}
    (tmp_path / "settings.json").write_text(json.dumps(settings_json(log=log)))
    requests = tmp_path / "requests"

    def start() -> subprocess.Popen[str]:
        environment = {"PATH": os.environ["PATH"], "PYTHONPATH": str(FILES), "HOME": str(tmp_path)}
        environment |= {"AWS_EC2_METADATA_SERVICE_ENDPOINT": cloud.url, "PYTHONDONTWRITEBYTECODE": "1"}
        command = [sys.executable, "-m", "aigw_node", "ship", "--settings", "settings.json"]
        return subprocess.Popen(command, cwd=tmp_path, env=environment, stderr=subprocess.PIPE, text=True)

    first = start()
    wait(requests.exists)
    write(requests, 1, *map(line, range(3)))
    wait(lambda: bool(cloud.kept.get(next(iter(cloud.kept), ""), [])))
    first.kill()
    first.communicate()
    second = start()
    write(requests, 1, *map(line, range(3, 6)))
    cloud.log_trouble = [(503, "ServiceUnavailableException")] * 2
    time.sleep(1)
    second.send_signal(signal.SIGTERM)
    _, said = second.communicate(timeout=60)
    assert second.returncode == 0, said
    assert "request-log-flushed" in said
    (kept,) = cloud.kept.values()
    assert {int(each["request_id"]) for each in kept} == set(range(6))


def test_settings_name_what_is_wrong() -> None:
    with pytest.raises(NodeError, match=r"log.kind 'file' is none of cloudwatch, sls"):
        settings(log={"kind": "file"})
    with pytest.raises(NodeError, match=r"log.project is missing"):
        settings(log={"kind": "sls", "store": "s"})


def test_both_units_are_shut_in_alike_and_stop_in_order() -> None:
    serve, ship = ((FILES / name).read_text() for name in ("aigw.service", "aigw-ship.service"))
    sandbox = re.search(r"NoNewPrivileges(.|\n)*", serve)
    assert sandbox
    assert sandbox[0] in ship
    assert "Before=aigw.service" in ship
    assert "aigw-ship.service" in serve
