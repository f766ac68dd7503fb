"""What libraries print and log comes out as short JSON lines, whatever a caller has put into it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from aigw_node import log
from aigw_node.request_log import RequestLog
from aigw_node.settings import parse

from conftest import FILES
from support import settings_json

EVIL = 'x\n{"event":"forged"}\r\x1b[2J\x85\u2028\u202efdp \ud800'


def run(program: str, **more: Any) -> list[dict[str, Any]]:
    """The journal of a process: every line is JSON and short."""
    done = subprocess.run(
        [sys.executable, "-c", f"from aigw_node import journal, log\nEVIL = {EVIL!r}\n{program}"],
        env={**os.environ, "PYTHONPATH": str(FILES), **more},
        capture_output=True,
        timeout=60,
    )
    assert done.stdout == b""
    lines = done.stderr.decode().split("\n")
    assert lines.pop() == ""
    assert all(line.isprintable() and len(line) < 1000 for line in lines)
    events: list[dict[str, Any]] = [json.loads(line) for line in lines]
    assert {event["event"] for event in events} <= {
        "library-log", "library-log-suppressed", "thread-failed", "crashed", "ours"
    }  # fmt: skip
    return events


@pytest.mark.parametrize(
    "logger", ["", "LiteLLM", "LiteLLM Proxy", "LiteLLM Router", "uvicorn.error", "asyncio", "httpx", "py.warnings", "other"]
)
def test_an_exception_is_one_line_without_its_text(logger: str) -> None:
    (event,) = run(f"""
import logging
journal.begin()
journal.take_over()
def inner(): raise KeyError(EVIL)
try: inner()
except KeyError: logging.getLogger({logger!r}).exception("it failed %s", EVIL)
""")
    assert event["logger"] == (logger or "root")
    assert (event["level"], event["error"]) == ("error", "KeyError")
    assert event["at"].endswith(" inner")
    assert event["message"] == "it failed x"


def test_a_traceback_in_a_message_is_cut_off_and_told() -> None:
    (event,) = run("""
import logging, traceback
journal.begin()
try: [].index(EVIL)
except ValueError: logging.getLogger("LiteLLM").error("it failed " + "y" * 9999 + traceback.format_exc())
""")
    assert event["error"] == "ValueError"
    assert event["message"] == ("it failed " + "y" * 300)[:300]


def test_what_is_printed_is_lines_and_a_traceback_is_one_of_them() -> None:
    one, two, cause, failure, long = run("""
import sys, traceback
journal.begin()
print("one", EVIL.split("\\n")[0])
sys.stdout.buffer.write(b"two\\n\\n")
def inner(): raise LookupError("seven")
try:
    try: inner()
    except LookupError as error: raise ValueError("eight") from error
except ValueError: traceback.print_exc()
print("after", "z" * 100000, file=sys.stderr)
print("unended" * 9999, end="")
""")[:5]
    assert (one["logger"], one["message"]) == ("stdout", "one x")
    assert two["message"] == "two"
    assert (cause["error"], cause["at"].endswith(" inner")) == ("LookupError", True)
    assert (failure["logger"], failure["error"]) == ("stderr", "ValueError")
    assert long["message"].startswith("after z")


def test_what_a_lost_task_held_is_not_told() -> None:
    (event,) = run("""
import asyncio, gc
journal.begin()
async def inner(): raise KeyError(EVIL)
async def main():
    asyncio.create_task(inner())
    await asyncio.sleep(0.01)
    gc.collect()
asyncio.run(main())
""")
    assert event["message"] == "Task exception was never retrieved"
    assert (event["logger"], event["error"]) == ("asyncio", "KeyError")


def test_no_key_is_in_a_message() -> None:
    (event,) = run("""
import logging
journal.begin()
logging.getLogger("LiteLLM").error("bad key sk-abcdefghijklmnop of Bearer abcdefghijk")
""")
    assert event["message"] == "bad key sk-… of Bearer …"


def test_a_flood_is_counted() -> None:
    events = run("""
import logging, time
journal.begin()
time.sleep(1 - time.monotonic() % 1)
for index in range(500):
    logging.error(EVIL)
    print(EVIL)
time.sleep(1.2)
""")
    told = [event for event in events if event["event"] == "library-log"]
    (suppressed,) = [event["lines"] for event in events if event["event"] == "library-log-suppressed"]
    assert 20 <= len(told) <= 40
    assert len(told) + suppressed == 500 + 500 * 2


def test_handlers_that_a_library_adds_are_taken_away_and_its_level_stays() -> None:
    (event,) = run("""
import logging, sys
journal.begin()
class Hiding(logging.Filter):
    def filter(self, record): record.msg = record.msg.replace("hidden", "-"); return True
logger, handler = logging.getLogger("LiteLLM"), logging.StreamHandler(sys.__stderr__)
handler.setLevel("ERROR")
handler.addFilter(Hiding())
logger.addHandler(handler)
logger.propagate = False
logging.getLogger().addHandler(logging.StreamHandler(sys.__stderr__))
journal.take_over()
logger.warning("not heard")
logger.error("hidden heard")
""")
    assert event["message"] == "- heard"


def test_what_nobody_catches_is_one_line() -> None:
    thread, crash = run("""
import threading
journal.begin()
def inner(): raise KeyError(EVIL)
thread = threading.Thread(target=inner)
thread.start()
thread.join()
inner()
""")
    assert (thread["event"], thread["error"]) == ("thread-failed", "KeyError")
    assert (crash["event"], crash["error"]) == ("crashed", "KeyError")


def test_a_child_process_and_faulthandler_get_the_real_stream() -> None:
    done = subprocess.run(
        [
            sys.executable,
            "-c",
            "from aigw_node import journal; journal.begin()\n"
            "import os, subprocess, sys\nsubprocess.run(['echo', 'child'], stdout=sys.stderr)\nos.abort()",
        ],
        env={**os.environ, "PYTHONPATH": str(FILES), "PYTHONFAULTHANDLER": "1"},
        capture_output=True,
        text=True,
    )
    assert done.stderr.startswith("child\nFatal Python error: Aborted")


def test_any_text_is_one_line_of_our_own_events(capsys: pytest.CaptureFixture[str]) -> None:
    log.event("ours", text=EVIL, of=object())
    line = capsys.readouterr().err
    assert line.count("\n") == 1
    assert line.rstrip("\n").isprintable()
    assert json.loads(line)["text"] == EVIL


def test_half_a_character_is_kept_in_the_request_log(tmp_path: Any) -> None:
    kept = RequestLog(parse(settings_json()).request_log, tmp_path / "requests")
    kept.start()
    kept.write({"user": "\ud800", "name": "日本"})
    kept.close()
    (file,) = (tmp_path / "requests").iterdir()
    assert json.loads(file.read_text()) == {"user": "\ud800", "name": "日本"}


LIBRARY = """
import logging, traceback
logger = logging.getLogger("LiteLLM Proxy")
def say(x):
    logger.warning("plain words")
    logger.error(f"Error in {x}: it broke")
    logger.error("Error - {}".format(x))
    logger.error("Error %s of two", x)
    logger.error("Error " + x)
    logger.error(
        "spread over "
        f"lines, {x}",
        extra={"x": x},
    )
    logger.error(x)
    print(f"Give feedback: {x}")
    try:
        raise ValueError(x)
    except ValueError as error:
        logger.exception("Exception occured - {}".format(str(error)))
        traceback.print_exc()
"""
PROMPT = "my patient"


@pytest.mark.parametrize("said", [PROMPT, f"first\n{PROMPT}\n\n{PROMPT}", f"{PROMPT}\n  {PROMPT}: x"])
def test_once_it_serves_only_the_words_of_a_library_are_told(tmp_path: Path, said: str) -> None:
    (tmp_path / "library.py").write_text(LIBRARY)
    events = run(f"""
import sys
sys.path.insert(0, {str(tmp_path)!r})
import library
journal.begin()
journal.take_over()
journal.serves()
library.say({said!r})
""")
    assert PROMPT not in json.dumps(events)
    assert [event["message"] for event in events if event["message"]] == [
        "plain words",
        "Error in …: it broke",
        "Error - {}",
        "Error %s of two",
        "Error",
        "spread over lines, …",
        "Give feedback: …",
        "Exception occured - {}",
        "traceback",
    ]
    assert all("library.py:" in event["at"] for event in events)
    assert [event["error"] for event in events if "error" in event] == ["ValueError"] * 2


def test_once_it_serves_asyncio_tells_its_own_words() -> None:
    (event,) = run(f"""
import asyncio
journal.begin()
journal.serves()
def inner(x): raise KeyError(x)
async def main():
    asyncio.get_running_loop().call_soon(inner, {PROMPT!r})
    await asyncio.sleep(0.01)
asyncio.run(main())
""")
    assert event["message"].startswith("Exception in callback inner")
    assert PROMPT not in json.dumps(event)


def test_while_it_starts_the_reason_is_told_in_words() -> None:
    first, second, third = run("""
import logging, secrets, traceback
journal.begin()
user = "llm:" + secrets.token_hex(8)
def inner(): raise RuntimeError(f"no way to postgresql://{user}@db.internal/x\\nmore")
try: inner()
except RuntimeError:
    logging.exception("did not start")
    logging.error(traceback.format_exc())
logging.error(f"Cannot read redis://{user}@redis.internal")
""")
    reason = "no way to postgresql://…@db.internal/x"
    assert (first["message"], first["problem"]) == ("did not start", reason)
    assert (second["error"], second["problem"]) == ("RuntimeError", reason)
    assert third["message"] == "Cannot read redis://…@redis.internal"
