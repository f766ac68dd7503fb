"""install.sh in a scratch root; its Python's pip only notes what it is asked for. The real one: test_real.py."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

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


class Machine:
    def __init__(self, folder: Path, files: Path) -> None:
        self.root, self.files, self.log = folder / "root", files, folder / "log"
        self.python = folder / "python"
        self.python.write_text(PYTHON)
        self.python.chmod(0o755)
        self.engine = folder / "an engine"
        self.engine.write_text("")
        self.home = self.root / "opt/aigw"

    def unpack(self, name: str, **settings: object) -> Path:
        bundle = self.home / f"bundle-{name}"
        shutil.copytree(self.files, bundle, ignore=shutil.ignore_patterns("__pycache__"))
        (bundle / "settings.json").write_text(json.dumps(settings_json(**settings)))
        return bundle

    def install(self, bundle: Path, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
        self.log.write_text("")
        variables = {
            "PATH": os.environ["PATH"],
            "AIGW_ROOT": str(self.root),
            "AIGW_PYTHON": str(self.python),
            "AIGW_QUERY_ENGINE": str(self.engine),
            "AIGW_TEST_LOG": str(self.log),
            **environment,
        }
        command = ["bash", str(bundle / "install.sh"), *arguments]
        return subprocess.run(command, env=variables, capture_output=True, text=True, timeout=60)

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
