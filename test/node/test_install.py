"""install.sh in a scratch root; its Python's pip only notes what it is asked for. The real one: test_real.py."""

from __future__ import annotations

import json
import os
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from conftest import FILES
from support import lacking, settings_json

PYTHON = f"""#!/bin/bash
# Makes venvs of itself and notes the rest of what install.sh wants of Python; small programs run for real.
log=${{AIGW_TEST_LOG:?}}
case "${{1:-}} ${{2:-}}" in
  "-m venv") mkdir -p "$3/bin" "$3/lib" && cp "$0" "$3/bin/python"; echo "venv" >> "$log" ;;
  "-m pip"|"-m compileall"|"-m aigw_node") echo "$* index=${{PIP_INDEX_URL:-}}" >> "$log" ;;
  *) exec {sys.executable} "$@" ;;
esac
"""


RELEASE = re.findall(r"^litellm==(\S+)", (FILES / "requirements.lock").read_text(), re.M)[0]
PODMAN = f"""#!/bin/bash
# Has no image before it is pulled, notes what it is asked for, and answers as the image's Python would.
echo "podman $*" >> "${{AIGW_TEST_LOG:?}}"
case "$1" in
  image) [[ -f $AIGW_TEST_LOG.pulled ]] ;;
  pull) touch "$AIGW_TEST_LOG.pulled" ;;
  run) echo "${{AIGW_TEST_IMAGE_HAS:-3.13.5 {RELEASE}}}" ;;
esac
"""
IMAGE = f"ghcr.io/berriai/litellm-non_root@sha256:{'a' * 64}"


class Machine:
    def __init__(self, folder: Path, files: Path) -> None:
        self.root, self.files, self.log = folder / "root", files, folder / "log"
        self.python = folder / "python"
        self.python.write_text(PYTHON)
        self.python.chmod(0o755)
        self.engine = folder / "an engine"
        self.engine.write_text("")
        self.home = self.root / "opt/aigw"
        self.programs = folder / "bin"

    def add_podman(self) -> None:
        self.programs.mkdir()
        podman = self.programs / "podman"
        podman.write_text(PODMAN)
        podman.chmod(0o755)

    def unpack(self, name: str, **settings: object) -> Path:
        bundle = self.home / f"bundle-{name}"
        shutil.copytree(self.files, bundle, ignore=shutil.ignore_patterns("__pycache__"))
        (bundle / "settings.json").write_text(json.dumps(settings_json(**settings)))
        return bundle

    def install(self, bundle: Path, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
        self.log.write_text("")
        variables = {
            "PATH": f"{self.programs}:{os.environ['PATH']}",
            "AIGW_ROOT": str(self.root),
            "AIGW_PYTHON": str(self.python),
            "AIGW_QUERY_ENGINE": str(self.engine),
            "AIGW_TEST_LOG": str(self.log),
            **environment,
        }
        command = ["bash", str(bundle / "install.sh"), *arguments]
        return subprocess.run(command, env=variables, capture_output=True, text=True, timeout=180)

    def asked(self) -> list[str]:
        return self.log.read_text().splitlines()


@pytest.fixture
def machine(tmp_path: Path, files: Path) -> Machine:
    system = Path("/etc/os-release").read_text()
    if not any(name in system for name in ("bookworm", "noble", "alinux", "amzn")):
        lacking("not one of the systems that install.sh knows")
    return Machine(tmp_path, files)


def test_a_first_installation(machine: Machine) -> None:
    bundle = machine.unpack("1")
    done = machine.install(bundle)
    assert done.returncode == 0, done.stderr
    asked = machine.asked()
    assert asked[0] == "venv"
    assert "--no-deps --require-hashes --only-binary :all: --requirement" in asked[1]
    assert "pip check" in asked[2]
    assert "prisma-client make" in asked[3]
    assert "compileall" in asked[4]
    assert "-m aigw_node check" in asked[5]
    assert (machine.home / "current").resolve() == bundle
    assert (machine.home / "venv/bin/python").exists()
    assert (machine.home / "engine/query-engine").resolve() == machine.engine
    assert (machine.root / "etc/systemd/system/aigw.service").stat().st_mode & 0o777 == 0o644


def test_a_second_run_installs_nothing(machine: Machine) -> None:
    bundle = machine.unpack("1")
    machine.install(bundle)
    assert machine.install(bundle).returncode == 0
    assert not any("pip" in line or line == "venv" for line in machine.asked())


def test_a_new_bundle_keeps_the_venv_and_removes_the_old_bundle(machine: Machine) -> None:
    machine.install(machine.unpack("1"))
    second = machine.unpack("2")
    assert machine.install(second).returncode == 0
    assert not any("pip" in line for line in machine.asked())
    assert sorted(path.name.split("-")[0] for path in machine.home.glob("*-*")) == ["bundle", "engine", "venv"]
    assert (machine.home / "current").resolve() == second


def test_a_new_lock_makes_a_new_venv_and_removes_the_old_one(machine: Machine) -> None:
    machine.install(machine.unpack("1"))
    before = (machine.home / "venv").resolve()
    second = machine.unpack("2")
    with (second / "requirements.lock").open("a") as lock:
        lock.write("# another\n")
    assert machine.install(second).returncode == 0
    after = (machine.home / "venv").resolve()
    assert before != after
    assert after.exists()
    assert not before.exists()


def test_an_installation_that_was_cut_off_is_made_anew(machine: Machine) -> None:
    bundle = machine.unpack("1")
    machine.install(bundle)
    (machine.home / "venv/.complete").unlink()
    machine.install(bundle)
    assert machine.asked()[0] == "venv"


def test_the_index_comes_from_the_settings_and_is_no_argument(machine: Machine) -> None:
    bundle = machine.unpack("1", install={"pythonIndex": "https://index.example/simple"})
    machine.install(bundle)
    line = machine.asked()[1]
    assert line.endswith("index=https://index.example/simple")
    assert line.count("index.example") == 1


def test_the_engine_comes_from_the_mirror_of_the_settings(machine: Machine) -> None:
    install = {"engineMirror": "https://mirror.example/prisma", "engineSha256": {"debian-openssl-3.0.x": "ab12"}}
    machine.install(machine.unpack("1", install=install), AIGW_QUERY_ENGINE="")
    line = next(line for line in machine.asked() if "query-engine" in line)
    assert "--mirror https://mirror.example/prisma" in line
    assert "--target debian-openssl-3.0.x --mirror" in line
    assert "--sha256 ab12" in line


def test_an_image_needs_no_settings_and_starts_nothing(machine: Machine) -> None:
    bundle = machine.unpack("1")
    (bundle / "settings.json").unlink()
    done = machine.install(bundle, "--image")
    assert (done.returncode, done.stderr.splitlines()[-1]) == (0, "aigw: the image is prepared")
    assert not (machine.home / "current").exists()
    assert (machine.home / "venv/.complete").exists()


def test_without_settings_a_node_is_not_installed(machine: Machine) -> None:
    bundle = machine.unpack("1")
    (bundle / "settings.json").unlink()
    done = machine.install(bundle)
    assert (done.returncode, done.stderr.splitlines()[-1]) == (1, "aigw: settings.json is missing beside install.sh")


def test_an_old_python_is_refused(machine: Machine) -> None:
    machine.python.write_text("#!/bin/bash\nexit 1\n")
    done = machine.install(machine.unpack("1"))
    assert done.returncode == 1
    assert "is missing or older than 3.10" in done.stderr


@pytest.fixture
def container(machine: Machine) -> Machine:
    machine.add_podman()
    return machine


def test_an_image_is_pulled_by_its_digest_and_gets_what_it_lacks(container: Machine) -> None:
    bundle = container.unpack("1", install={"containerImage": IMAGE, "pythonIndex": "https://index.example/simple"})
    done = container.install(bundle)
    assert done.returncode == 0, done.stderr
    exists, pull, question, venv, pip = container.asked()
    assert exists == f"podman image exists {IMAGE}"
    assert pull == f"podman pull --quiet {IMAGE}"
    assert "--network=none" in question
    assert "--volume" not in question
    assert venv == "venv"
    assert "--python-version 3.13 --implementation cp --no-deps --require-hashes --only-binary :all:" in pip
    assert pip.endswith("index=https://index.example/simple")
    wanted = (container.home / "extra/requirements.txt").read_text().splitlines()
    assert [line.split("==")[0] for line in wanted] == ["httptools", "psycopg", "psycopg-binary", "tzdata"]
    lock = (bundle / "requirements.lock").read_text()
    assert all(part in lock for line in wanted for part in line.split())
    assert all(" --hash=sha256:" in line for line in wanted)
    assert sorted(path.name.split("-")[0] for path in container.home.glob("*-*")) == ["bundle", "extra"]


def test_the_units_of_a_container_take_the_names_of_the_plain_ones(container: Machine) -> None:
    bundle = container.unpack("1", install={"containerImage": IMAGE})
    container.install(bundle)
    for name in ("aigw", "aigw-ship"):
        installed = container.root / f"etc/systemd/system/{name}.service"
        assert installed.read_text() == (bundle / f"{name}-container.service").read_text()
    assert (container.home / "container.env").read_text().splitlines() == [
        f"AIGW_CONTAINER_IMAGE={IMAGE}",
        f"AIGW_CONTAINER_USER={os.getuid()}:{os.getgid()}",
    ]


def test_a_second_run_neither_pulls_nor_installs(container: Machine) -> None:
    bundle = container.unpack("1", install={"containerImage": IMAGE})
    container.install(bundle)
    assert container.install(bundle).returncode == 0
    assert container.asked() == [f"podman image exists {IMAGE}"]


def test_another_image_removes_what_the_old_one_lacked(container: Machine) -> None:
    container.install(container.unpack("1", install={"containerImage": IMAGE}))
    before = (container.home / "extra").resolve()
    assert (
        container.install(container.unpack("2", install={"containerImage": IMAGE.replace("a" * 64, "b" * 64)})).returncode
        == 0
    )
    assert not before.exists()
    assert (container.home / "extra/.complete").exists()


def test_a_baked_image_holds_the_container_and_starts_nothing(container: Machine) -> None:
    bundle = container.unpack("1")
    (bundle / "settings.json").unlink()
    done = container.install(bundle, "--image", AIGW_CONTAINER_IMAGE=IMAGE)
    assert (done.returncode, done.stderr.splitlines()[-1]) == (0, "aigw: the image is prepared")
    assert (container.home / "extra/.complete").exists()
    assert not (container.home / "current").exists()


@pytest.mark.parametrize(
    ("image", "has", "message"),
    [
        ("ghcr.io/berriai/litellm:latest", f"3.13.5 {RELEASE}", "ghcr.io/berriai/litellm:latest is not an image by digest"),
        (IMAGE, "3.13.5 1.107.0", "the image has LiteLLM 1.107.0, which is not the release of requirements.lock"),
        (IMAGE, "3.13.5 1.106", "the image has LiteLLM 1.106, which is not the release of requirements.lock"),
    ],
)
def test_an_image_that_is_not_the_lock_files_is_refused(container: Machine, image: str, has: str, message: str) -> None:
    bundle = container.unpack("1", install={"containerImage": image})
    done = container.install(bundle, AIGW_TEST_IMAGE_HAS=has)
    assert (done.returncode, done.stderr.splitlines()[-1]) == (1, f"aigw: containerImage: {message}")
    assert not (container.home / "current").exists()


def test_entries_are_those_of_the_images_python(container: Machine) -> None:
    bundle = container.unpack("1", install={"containerImage": IMAGE})
    lock = bundle / "requirements.lock"
    newer = (
        "tzdata==2 ; python_version >= '3.13' \\\n    --hash=sha256:0a\n"
        "tzdata==1 ; python_version < '3.13' \\\n    --hash=sha256:0b\n"
    )
    lock.write_text(re.sub(r"^tzdata==.*(\n    .*)*\n", newer, lock.read_text(), flags=re.M))
    container.install(bundle)
    wanted = (container.home / "extra/requirements.txt").read_text().splitlines()
    assert [line for line in wanted if line.startswith("tzdata")] == ["tzdata==2 --hash=sha256:0a"]


def test_a_lock_file_without_them_is_refused(container: Machine) -> None:
    bundle = container.unpack("1", install={"containerImage": IMAGE})
    lock = bundle / "requirements.lock"
    lock.write_text(lock.read_text().replace("httptools==", "httptool=="))
    done = container.install(bundle)
    assert (done.returncode, done.stderr.splitlines()[-1]) == (
        1,
        "aigw: requirements.lock lacks httptools for Python 3.13.5",
    )


def test_a_system_without_podman_says_so(machine: Machine) -> None:
    done = machine.install(machine.unpack("1", install={"containerImage": IMAGE}))
    assert (done.returncode, done.stderr.splitlines()[-1]) == (
        1,
        "aigw: containerImage: this system has neither Podman nor a package of it",
    )


def settings_of(unit: Path) -> dict[str, str]:
    """The unit's settings; of one that stands there several times the last."""
    lines = unit.read_text().replace("\\\n", " ").splitlines()
    return dict(line.split("=", 1) for line in lines if "=" in line and not line.startswith("#"))


@pytest.mark.parametrize("name", ["aigw", "aigw-ship"])
def test_the_unit_of_a_container_is_the_plain_one_but_for_podman(files: Path, name: str) -> None:
    plain, container = settings_of(files / f"{name}.service"), settings_of(files / f"{name}-container.service")
    commands = {key for key in plain if key.startswith("Exec")}
    words = {key: shlex.split(container[key]) for key in commands}
    for key in commands:
        assert words[key][words[key].index("-m") :] == shlex.split(plain[key])[1:]
    run = words["ExecStart"]
    confinement = re.findall(r"^(\w+)=", (files / f"{name}.service").read_text().split("\n\n")[2], re.M)
    by_podman = {
        "User",
        "Group",
        "UMask",
        "WorkingDirectory",
        "StateDirectory",
        "StateDirectoryMode",
        "Environment",
        "LimitNOFILE",
    }
    same = set(plain) - {"Description", "NotifyAccess", *commands, *by_podman, *confinement}
    assert {key: container.get(key) for key in same} == {key: plain[key] for key in same}
    assert {"--network=host", "--read-only", "--cap-drop=all", "--security-opt=no-new-privileges", "--umask=0077"} <= set(
        run
    )
    assert {f"--name={name}", "--user=${AIGW_CONTAINER_USER}", "--sdnotify=container", "--pull=never"} <= set(run)
    assert container["ExecStop"].split()[-1] == container["ExecStopPost"].split()[-1] == name


@pytest.mark.parametrize(("name", "needed"), [("aigw", 615), ("aigw-ship", 90)])
def test_podman_ends_a_container_before_systemd_does(files: Path, name: str, needed: int) -> None:
    unit = settings_of(files / f"{name}-container.service")
    stop = int(next(word.split("=")[1] for word in unit["ExecStart"].split() if word.startswith("--stop-timeout=")))
    assert needed < stop < int(unit["TimeoutStopSec"])


@pytest.mark.parametrize("name", ["aigw", "aigw-ship"])
def test_a_containers_environment_is_the_units_and_holds_no_secret(files: Path, name: str) -> None:
    text = (files / f"{name}-container.service").read_text()
    given = re.findall(r"--env=(\w+)=(\S+)", text)
    assert given == [
        ("PYTHONPATH", "/opt/aigw/current:/opt/aigw/extra"),
        ("PYTHONUNBUFFERED", "1"),
        # A node that a signal ends says where it was.
        *([("PYTHONFAULTHANDLER", "1")] if name == "aigw" else []),
        ("HOME", "/var/lib/aigw"),
    ]
    assert ("PYTHONFAULTHANDLER=1" in (files / f"{name}.service").read_text()) == (name == "aigw")
    mounts = dict(re.findall(r"--volume=(\S+):\S+:(\w\w),z", text))
    assert mounts == {"/opt/aigw/current": "ro", "/opt/aigw/extra": "ro", "/var/lib/aigw": "rw"}


@pytest.mark.parametrize("name", ["aigw", "aigw-ship"])
def test_the_unit_of_a_container_is_one_that_systemd_accepts(files: Path, tmp_path: Path, name: str) -> None:
    if not shutil.which("systemd-analyze"):
        lacking("systemd-analyze is not on this computer")
    unit = tmp_path / f"{name}.service"
    unit.write_text((files / f"{name}-container.service").read_text().replace("/usr/bin/podman", sys.executable))
    done = subprocess.run(["systemd-analyze", "verify", "--man=no", str(unit)], capture_output=True, text=True)
    assert f"{name}.service" not in done.stderr.replace(str(unit), ""), done.stderr
    assert str(unit) not in done.stderr, done.stderr


def test_the_unit_is_one_that_systemd_accepts(files: Path, tmp_path: Path) -> None:
    if not shutil.which("systemd-analyze"):
        lacking("systemd-analyze is not on this computer")
    unit = tmp_path / "aigw.service"
    unit.write_text((files / "aigw.service").read_text().replace("/opt/aigw/venv/bin/python", sys.executable))
    done = subprocess.run(["systemd-analyze", "verify", "--man=no", str(unit)], capture_output=True, text=True)
    assert "aigw.service" not in done.stderr.replace(str(unit), ""), done.stderr
    security = ["systemd-analyze", "security", "--offline=true", "--threshold=20", str(unit)]
    done = subprocess.run(security, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout[-300:]


def test_the_unit_gives_the_longest_stream_its_time(files: Path) -> None:
    from aigw_node.server import DRAIN_MARGIN

    unit = (files / "aigw.service").read_text()
    stop = int(next(line.split("=")[1] for line in unit.splitlines() if line.startswith("TimeoutStopSec=")))
    assert stop > 600 + DRAIN_MARGIN
    assert "PYTHONDONTWRITEBYTECODE" not in unit
