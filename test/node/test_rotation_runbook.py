"""docs/runbooks/rotate-a-provider-key.md, step by step: its own shell blocks, with the command as a user has it and with no
permission that the page does not name, against two nodes of the real LiteLLM under load. Replaced is the provider's
address."""

from __future__ import annotations

import json
import os
import re
import secrets
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import astuple, dataclass, field, replace
from pathlib import Path
from typing import IO

import pytest

from booting import CHAT, chat, log_lines
from doubles.moto import Credentials, Moto
from doubles.postgres import free_port
from doubles.provider import Provider
from quickstart import KNOWN, Booted, Surroundings, Unstored, booted
from stored import Store, in_moto
from synthesized import PROJECT, Stack

PAGE = (PROJECT / "docs/runbooks/rotate-a-provider-key.md").read_text()
STEPS: dict[str, str] = dict(re.findall(r"^```sh step=(\w+)\n(.*?)^```$", PAGE, re.M | re.S))
PERMISSIONS = re.findall(r"`((?:secretsmanager|logs|autoscaling|ec2):\w+)`", PAGE)
SECRET = "prod-gateway/openai"
OPENAI = "https://api.openai.com/v1"
QUICK, SLOW = 3, 20  # the refresh intervals of the nodes, in seconds; the first has two processes
LONGEST_STEP = 180
USED_BY_ALL = f"{SECRET}: all 2 nodes use "


class Forever:
    """Does something again and again until it is ended."""

    def __init__(self, act: Callable[[], None], pause: float) -> None:
        self._ended = threading.Event()

        def run() -> None:
            while not self._ended.wait(pause):
                act()

        self._thread = threading.Thread(target=run)
        self._thread.start()

    def end(self) -> None:
        self._ended.set()
        self._thread.join()


@contextmanager
def impatient(process: subprocess.Popen[str]) -> Iterator[IO[str]]:
    """What it says; it is ended with all that it started when it takes much too long."""
    assert process.stdout
    patience = threading.Timer(LONGEST_STEP, os.killpg, (process.pid, signal.SIGKILL))
    patience.start()
    try:
        yield process.stdout
    finally:
        patience.cancel()


@dataclass
class Operator:
    """Somebody with the page, the stack's folder, and a terminal that a key is pasted into."""

    folder: Path
    provider: Provider
    credentials: Credentials
    moto: Moto
    said: list[str] = field(default_factory=list)

    def start(self, step: str, key: str = "") -> subprocess.Popen[str]:
        names = ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN")
        environment = {"PATH": os.environ["PATH"], "HOME": str(self.folder), "AWS_ENDPOINT_URL": self.moto.url}
        process = subprocess.Popen(
            ["bash", "-c", STEPS[step].replace(OPENAI, self.provider.url)],
            cwd=self.folder,
            env=environment | dict(zip(names, map(str, astuple(self.credentials)), strict=True)),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )
        assert process.stdin
        process.stdin.write(f"{key}\n")
        process.stdin.close()
        return process

    def hears(self, process: subprocess.Popen[str], words: str) -> None:
        """Until the step says so."""
        with impatient(process) as output:
            for line in output:
                self.said.append(line)
                if words in line:
                    return
        raise AssertionError(self.said)

    def sees_end(self, process: subprocess.Popen[str]) -> tuple[int, str]:
        with impatient(process) as output:
            self.said.append(output.read())
        return process.wait(10), self.said[-1]

    def does(self, step: str, key: str = "") -> tuple[int, str]:
        return self.sees_end(self.start(step, key))


@dataclass
class Rotation:
    nodes: list[Booted]
    operator: Operator
    keys: list[str]  # the first is the gateway's at first; all of them are good
    statuses: list[int]
    seen: set[Path]  # where a process showed a key

    @property
    def provider(self) -> Provider:
        return self.nodes[0].provider

    def keys_from_now(self) -> set[str]:
        """Those that the provider is asked with, by both nodes."""
        before = len(self.provider.asked)
        time.sleep(2)
        return set(self.provider.keys()[before:])

    def status(self) -> tuple[str, str, str]:
        """Of the secret: the current version, the previous one, and who reads it."""
        code, said = self.operator.does("status")
        assert code == 0, said
        heads, *rows = (re.split(r" {2,}", line) for line in said.splitlines())
        (row,) = [dict(zip(heads, row, strict=True)) for row in rows if row[0] == SECRET]
        assert row["VALUE"] == "present"
        return row["VERSION"], row["PREVIOUS"], row["READ BY"]

    def revoke(self, key: str) -> None:
        assert self.provider.accepted
        self.provider.accepted.remove(key)

    def wait_for_refresh(self, node: Booted) -> None:
        def lines() -> int:
            return sum(line.get("secret") == SECRET for line in log_lines(node.root / "requests"))

        before, deadline = lines(), time.monotonic() + 2 * SLOW
        while lines() == before:
            assert time.monotonic() < deadline
            time.sleep(0.1)


def named(host: str) -> list[str]:
    return [str(Path(__file__).parent / "named.py"), host]


def another_node(first: Booted, root: Path, host: str) -> Booted:
    """Of the same bundle, database and Redis, on a host of its own."""
    (root / "opt").mkdir()
    (root / "opt/aigw").symlink_to(first.home)
    ports, file = {"agents": free_port(), "admin": free_port()}, "settings-2.json"
    settings = {**first.settings, "ports": ports, "workers": 1, "refreshIntervalSeconds": SLOW}
    (first.home / "current" / file).write_text(json.dumps(settings))
    own = {"root": root, "ports": ports, "program": named(host), "settings": settings, "settings_file": file}
    return replace(first, **own, seconds={}, process=None)


def ship(node: Booted, moto: Moto) -> subprocess.Popen[bytes]:
    """As aigw-ship.service does."""
    command = node.command("ship", "--settings", str(node.home / "current" / node.settings_file))
    environment = node.unit_environment() | {"AWS_ENDPOINT_URL_CLOUDWATCH_LOGS": moto.url}
    with (node.root / "ship.log").open("ab") as out:
        return subprocess.Popen(command, env=environment, cwd=node.root, stdout=out, stderr=out)


def stacks_folder(out: Path, folder: Path) -> Path:
    """A project with the package installed, and one synthesized stack."""
    binary, stack = folder / "node_modules/.bin/cdktf-ai-gateway", folder / "cdktf.out/stacks/prod"
    for parent in (binary.parent, stack):
        parent.mkdir(parents=True)
    binary.symlink_to(PROJECT / "src/cli/bundled.js")
    shutil.copy(out / "quickstart-aws/cdk.tf.json", stack)
    return folder


@pytest.fixture(scope="module")
def rotation(surroundings: Surroundings, moto: Moto, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Rotation]:
    stack = Stack(surroundings.out / "quickstart-aws", KNOWN)
    (group,) = stack.resources("aws_autoscaling_group")
    (log,) = stack.resources("aws_cloudwatch_log_group")
    moto.make_log(log["name"])
    # Amazon Linux names a host by all of its private name, Ubuntu by the first part.
    whole, other = moto.make_fleet(group["name"], 2)

    def choose(here: Unstored) -> Store:
        store = in_moto(moto, here.cloud, here.settings["store"], here.stack.granted())
        return replace(store, program=named(whole))

    root = tmp_path_factory.mktemp("node")
    settings = {"workers": 2, "refreshIntervalSeconds": QUICK}
    with ExitStack() as ends, booted(surroundings, "aws", root, "litellm_rotation", choose, **settings) as first:
        second = another_node(first, tmp_path_factory.mktemp("second"), other.split(".")[0])
        ends.callback(second.stop)
        second.start()
        nodes = [first, second]
        for shipper in [ship(node, moto) for node in nodes]:
            ends.callback(shipper.wait, 30)
            ends.callback(shipper.terminate)
        keys = [f"key-of-{SECRET}", *("sk-" + secrets.token_hex(24) for _ in range(2))]
        first.provider.accepted = set(keys)
        folder = stacks_folder(surroundings.out, tmp_path_factory.mktemp("project"))
        operator = Operator(folder, first.provider, moto.assume("operator", PERMISSIONS), moto)
        rotation = Rotation(nodes, operator, keys, [], set())
        agent = first.key(models=["gpt-4o"])
        for node in nodes:
            ends.callback(Forever(lambda node=node: rotation.statuses.append(asked(node, agent)), 0.15).end)  # type: ignore[misc]
        ends.callback(Forever(lambda: rotation.seen.update(showing(keys)), 0.2).end)
        yield rotation
    print(f"\nrotation: {len(rotation.statuses)} requests, {first.seconds}", file=sys.__stderr__)


def asked(node: Booted, key: str) -> int:
    try:
        return node.ask("POST", CHAT, chat(model="gpt-4o"), key)[0]
    except OSError:
        return 0


def showing(values: Iterable[str]) -> Iterator[Path]:
    """What of a process others can read, and holds one of the values."""
    wanted = [value.encode() for value in values]
    for name in ("cmdline", "environ"):
        for path in Path("/proc").glob(f"[0-9]*/{name}"):
            try:
                content = path.read_bytes()
            except OSError:
                continue  # it has ended
            if any(value in content for value in wanted):
                yield path


def test_every_shell_block_of_the_page_is_a_step() -> None:
    assert re.findall(r"^```(?:sh|bash).*$", PAGE, re.M) == [f"```sh step={step}" for step in STEPS]
    assert list(STEPS) == ["status", "rotate", "retire", "rollback"]


@pytest.mark.real
def test_a_planned_change_takes_the_old_key_away_only_when_no_process_uses_it(rotation: Rotation) -> None:
    operator, (old, new, _), (_, slow) = rotation.operator, rotation.keys, rotation.nodes
    before, none, _ = rotation.status()
    assert none == "-"
    rotation.wait_for_refresh(slow)
    rotating = operator.start("rotate", new)
    operator.hears(rotating, "is the current one")
    code, said = operator.does("retire")
    assert (code, slow.program[-1] in said) == (1, True), said
    assert old in rotation.keys_from_now()
    code, said = operator.sees_end(rotating)
    assert (code, USED_BY_ALL in said) == (0, True), said
    assert rotation.keys_from_now() == {new}
    current, previous, readers = rotation.status()
    assert (current != before, previous, readers) == (True, before, "2 nodes")
    code, said = operator.does("retire")
    assert (code, "revoke the old key at the provider" in said) == (0, True), said
    rotation.revoke(old)
    assert rotation.keys_from_now() == {new}
    assert rotation.status() == (current, "-", "2 nodes")


@pytest.mark.real
def test_a_step_that_was_cut_short_is_run_again_with_the_same_key(rotation: Rotation) -> None:
    code, said = rotation.operator.does("rotate", rotation.keys[1])
    assert (code, "that is the current value already" in said, USED_BY_ALL in said) == (0, True, True), said


@pytest.mark.real
def test_a_key_that_the_provider_refuses_reaches_no_store(rotation: Rotation) -> None:
    code, said = rotation.operator.does("rotate", "sk-" + secrets.token_hex(24))
    assert (code, "version" in said) == (22, False), said
    assert rotation.keys_from_now() == {rotation.keys[1]}


@pytest.mark.real
def test_a_change_is_rolled_back_until_it_is_retired(rotation: Rotation) -> None:
    operator, (_, good, bad) = rotation.operator, rotation.keys
    code, said = operator.does("rotate", bad)
    assert code == 0, said
    assert rotation.keys_from_now() == {bad}
    code, said = operator.does("rollback")
    assert (code, USED_BY_ALL in said) == (0, True), said
    assert rotation.keys_from_now() == {good}
    assert operator.does("retire")[0] == 0
    rotation.revoke(bad)
    code, said = operator.does("rollback")
    assert (code, "there is no previous version" in said) == (1, True), said


@pytest.mark.real
def test_no_request_failed_and_no_key_was_shown(rotation: Rotation) -> None:
    statuses = list(rotation.statuses)
    assert len(statuses) > 200
    assert set(statuses) == {200}
    assert rotation.seen == set()
    told = "".join([*rotation.operator.said, *(node.said() for node in rotation.nodes)])
    assert not [key for key in rotation.keys if key in told]
    # The control: a key that is revoked too early is noticed.
    rotation.revoke(rotation.keys[1])
    assert asked(rotation.nodes[0], rotation.nodes[0].key(models=["gpt-4o"])) in {401, 429}
