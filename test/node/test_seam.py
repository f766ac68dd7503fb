from __future__ import annotations

import subprocess
import sys

import pytest
from aigw_node.__main__ import main
from aigw_node.errors import NodeError
from aigw_node.litellm.check import check, missing
from aigw_node.litellm.needs import NEEDS, Need


def test_this_release_is_as_the_seam_needs_it() -> None:
    done = subprocess.run([sys.executable, "-m", "aigw_node", "check"], capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.splitlines() == [need.name for need in NEEDS]


def test_a_release_that_lacks_something_ends_the_check_with_2(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(check, "__defaults__", ([Need("json:no_such")],))
    assert main(["check"]) == 2


def test_all_that_is_missing_is_told_at_once() -> None:
    gone = [
        Need("litellm.no_such:thing"),
        Need("json:no_such"),
        Need("json:dumps", ("obj", "no_such")),
        Need("json:loads", ("s",)),
    ]
    assert missing(gone) == [
        "litellm.no_such:thing (not there)",
        "json:no_such (not there)",
        "json:dumps (takes no no_such)",
    ]
    with pytest.raises(NodeError, match=r"litellm.no_such:thing \(not there\), json:no_such"):
        check(gone)
