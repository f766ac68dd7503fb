"""The request log's files: whole lines, rotation, a disk that is full, the end; and what a line holds."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from aigw_node import request_log
from aigw_node.errors import NodeError
from aigw_node.request_log import RequestLog
from aigw_node.request_record import Recorder
from aigw_node.ship import LINE_BYTES
from fastapi import HTTPException

from booting import log_lines
from support import settings


def make(folder: Path, **more: Any) -> RequestLog:
    return RequestLog(settings(requestLog=more).request_log, folder / "requests")


def lines(folder: Path) -> list[dict[str, Any]]:
    return log_lines(folder / "requests")


def wait(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.01)


class Disk:
    """A disk that takes a part of what is written and then no more, until it is told otherwise."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.room: int | None = None
        monkeypatch.setattr(request_log, "RETRY_SECONDS", 0.01)
        opened = Path.open
        disk = self

        class File:
            def __init__(self, path: Path) -> None:
                self._file = opened(path, "ab", buffering=0)

            def __enter__(self) -> File:
                return self

            def __exit__(self, *_: object) -> None:
                self._file.close()

            def tell(self) -> int:
                return self._file.tell()

            def truncate(self, size: int) -> int:
                return self._file.truncate(size)

            def write(self, content: bytes) -> int:
                return self._file.write(content if disk.room is None else content[: disk.room]) or 0

        monkeypatch.setattr(Path, "open", lambda path, mode, buffering: File(path))


def test_all_that_was_written_is_there_at_the_end(tmp_path: Path) -> None:
    held = make(tmp_path)
    held.start()
    for index in range(5000):
        held.write({"index": index, "nothing": None})
    held.close()
    assert lines(tmp_path) == [{"index": index} for index in range(5000)]


def test_files_are_rotated_by_size_and_the_oldest_removed(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    held = make(tmp_path, maxFileBytes=100, maxFiles=3)
    held.start()
    for index in range(10):
        held.write({"index": index, "text": "x" * 100})
        wait(lambda: not held._lines)
    held.close()
    assert [line["index"] for line in lines(tmp_path)] == [7, 8, 9]
    assert capfd.readouterr().err.count('"event": "request-log-file-removed"') == 7


def test_a_full_disk_costs_no_line_and_leaves_no_half_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    disk, held = Disk(monkeypatch), make(tmp_path)
    disk.room = 5
    held.start()
    for index in range(20):
        held.write({"index": index})
    time.sleep(0.2)
    monkeypatch.setattr(disk, "room", None)
    held.close()
    monkeypatch.undo()
    assert [line["index"] for line in lines(tmp_path)] == list(range(20))
    assert '"event": "request-log-unwritable", "error": "No space left on device"' in capfd.readouterr().err


def test_when_memory_is_full_too_requests_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    disk, held = Disk(monkeypatch), make(tmp_path, whenFull="refuse", bufferLines=3)
    disk.room = 0
    held.start()
    for index in range(3):
        held.admit()
        held.write({"index": index})
    with pytest.raises(HTTPException) as error:
        held.admit()
    assert (error.value.status_code, error.value.headers) == (503, {"retry-after": "5"})
    held.write({"index": 3})  # it was running already
    disk.room = None
    wait(lambda: not held._lines)
    held.admit()
    held.close()
    monkeypatch.undo()
    assert [line["index"] for line in lines(tmp_path)] == [0, 1, 2, 3]


def test_or_they_are_served_and_the_lost_lines_counted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    disk, held = Disk(monkeypatch), make(tmp_path, whenFull="serve", bufferLines=3)
    disk.room = 0
    held.start()
    for index in range(10):
        held.admit()
        held.write({"index": index})
    disk.room = None
    wait(lambda: not held._lines)
    held.close()
    monkeypatch.undo()
    assert [line["index"] for line in lines(tmp_path)] == [0, 1, 2]
    assert '"event": "request-lines-lost", "lines": 7' in capfd.readouterr().err


def test_an_end_with_a_full_disk_says_what_is_lost(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    disk, held = Disk(monkeypatch), make(tmp_path)
    disk.room = 0
    held.start()
    held.write({"index": 0})
    held.close()
    assert '"event": "request-lines-lost", "lines": 1' in capfd.readouterr().err


def test_words_are_kept_only_where_they_are_asked_for() -> None:
    said = {"messages": "canary-prompt", "response": "canary-answer", "startTime": 1.0, "endTime": 1.5}
    assert "canary" not in json.dumps(Recorder("gateway", prompts=False).succeeded("call", said))
    line = Recorder("gateway", prompts=True).succeeded("call", said)
    assert (line["request"], line["response"], line["latency_ms"]) == ("canary-prompt", "canary-answer", 500)


def test_an_error_is_told_by_its_kind_and_never_by_its_words() -> None:
    class ProviderError(Exception):
        code, type = "429", "throttling_error"

    key = SimpleNamespace(metadata={"aigw_agent": "research"}, key_alias="research-r2", token="sk-canary-unknown")
    request = {"model": "m" * 500, "litellm_call_id": "call-1", "messages": "canary"}
    line = Recorder("gateway", prompts=False).failed(request, ProviderError("canary"), key)
    assert "canary" not in json.dumps(line)
    assert (line["status"], line["error"], line["error_type"], line["agent"]) == (
        429,
        "ProviderError",
        "throttling_error",
        "research",
    )
    assert len(line["model"]) == 200


def test_group_and_labels_are_those_of_the_key_and_never_make_a_line_long() -> None:
    recorder = Recorder("gateway", prompts=False)
    labels = {"team": "search", "long": "x" * 500, "none": None, **{f"label-{index}": "y" for index in range(100)}}
    held = {"aigw_agent": "research", "aigw_group": "lab", "aigw_labels": labels}
    key = SimpleNamespace(metadata=held, key_alias=None, token="0" * 64)
    for line in (
        recorder.failed({}, ValueError(), key),
        recorder.succeeded("call", {"metadata": {"user_api_key_auth_metadata": held}}),
    ):
        assert (line["agent"], line["group"], line["labels"]["team"]) == ("research", "lab", "search")
        assert (len(line["labels"]["long"]), "none" in line["labels"], len(line["labels"])) == (200, False, 19)
    longest = {f"{index:x<500}": "\N{GRINNING FACE}" * 500 for index in range(100)}
    line = recorder.failed({}, ValueError(), SimpleNamespace(metadata={"aigw_labels": longest}, key_alias="a", token=None))
    assert len(json.dumps(line, ensure_ascii=False).encode()) < LINE_BYTES / 20
    for odd in (None, [], {"aigw_labels": "text"}, {"aigw_labels": {}}):
        line = recorder.failed({}, ValueError(), SimpleNamespace(metadata=odd, key_alias="research-r2", token=None))
        assert (line["agent"], line["group"], line["labels"]) == ("research-r2", None, None)


def test_settings_name_what_is_wrong() -> None:
    with pytest.raises(NodeError, match=r"requestLog.whenFull 'wait' is none of refuse, serve"):
        settings(requestLog={"whenFull": "wait"})
