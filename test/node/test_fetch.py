"""fetch.py as cloud-init runs it: a program of its own, against a cloud that checks every signature."""

from __future__ import annotations

import hashlib
import io
import json
import os
import shutil
import subprocess
import sys
import tarfile
from pathlib import Path

import pytest

from doubles.cloud import Cloud

INSTALL = b'#!/bin/bash\nset -eu\nhere=$(dirname "$0")\ncat "$here/settings.json" "$here/sub/x.txt" > "$here/../ran"\n'


def bundle(**files: bytes) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        for name, content in {"install.sh": INSTALL, "sub/x.txt": b"x", **files}.items():
            info = tarfile.TarInfo(name)
            info.size, info.mode = len(content), 0o755 if name.endswith(".sh") else 0o644
            archive.addfile(info, io.BytesIO(content))
    return buffer.getvalue()


def put(cloud: Cloud, kind: str, content: bytes, key: str | None = None) -> dict[str, str]:
    digest = hashlib.sha256(content).hexdigest()
    key = key or f"{kind}/{digest}"
    cloud.objects[key] = content
    return {"key": key, "sha256": digest}


class Node:
    def __init__(self, cloud: Cloud, folder: Path, program: Path) -> None:
        self.cloud, self.home, self.program = cloud, folder / "opt", program
        self.json = {
            "cloud": cloud.kind,
            "region": cloud.region,
            "bucket": cloud.bucket,
            "endpoint": cloud.storage,
            "metadata": cloud.url,
            "home": str(self.home),
            "giveUpAfterSeconds": 3,
            "bundle": put(cloud, "bundles", bundle()),
            "settings": put(cloud, "settings", b'{"version":1}'),
        }
        self.path = folder / "node.json"

    def fetch(self, python: str = sys.executable) -> subprocess.CompletedProcess[str]:
        self.path.write_text(json.dumps(self.json))
        environment = {"PATH": os.environ["PATH"], "http_proxy": "http://127.0.0.1:1", "https_proxy": "http://127.0.0.1:1"}
        return subprocess.run(
            [python, str(self.program), str(self.path)], env=environment, capture_output=True, text=True, timeout=180
        )


@pytest.fixture
def node(cloud: Cloud, tmp_path: Path, files: Path) -> Node:
    return Node(cloud, tmp_path, files / "fetch.py")


def last_line(done: subprocess.CompletedProcess[str]) -> str:
    return done.stderr.strip().splitlines()[-1]


def test_it_is_small_enough_for_user_data(files: Path) -> None:
    assert (files / "fetch.py").stat().st_size < 7 * 1024


def test_it_installs_the_bundle_with_its_settings(node: Node) -> None:
    done = node.fetch()
    assert (done.returncode, last_line(done)) == (0, "aigw: the node is installed")
    assert (node.home / "ran").read_bytes() == b'{"version":1}x'
    folder = node.home / f"bundle-{node.json['bundle']['sha256'][:16]}"
    assert (folder / "install.sh").stat().st_mode & 0o777 == 0o755
    assert (folder / "sub/x.txt").stat().st_mode & 0o777 == 0o644
    assert folder.stat().st_mode & 0o777 == 0o755


def test_it_may_run_again(node: Node) -> None:
    assert node.fetch().returncode == 0
    assert node.fetch().returncode == 0
    assert len(list(node.home.iterdir())) == 2


def test_a_key_may_need_encoding(node: Node) -> None:
    node.json["settings"] = put(node.cloud, "", b"{}", "settings/a b+c~d(e)=ü.json")
    node.cloud.objects = {quoted(key): content for key, content in node.cloud.objects.items()}
    assert node.fetch().returncode == 0


def quoted(key: str) -> str:
    from urllib.parse import quote

    return quote(key, safe="/-_.~")


def test_it_waits_for_a_role_that_is_not_there_yet(node: Node) -> None:
    node.cloud.role_after = 1
    done = node.fetch()
    assert done.returncode == 0
    assert "trying again in 1 s" in done.stderr


def test_it_gives_up_in_time_and_says_so(node: Node) -> None:
    node.cloud.role_after = 1000
    done = node.fetch()
    assert done.returncode == 1
    assert last_line(done).startswith("aigw: GAVE UP, nothing is served here: HTTP 404")


def test_it_names_the_storage_error_and_no_more(node: Node) -> None:
    node.cloud.denied.add(node.json["bundle"]["key"])
    done = node.fetch()
    assert done.returncode == 1
    assert "HTTP 403 AccessDenied from 127.0.0.1" in last_line(done)
    for value in (node.cloud.secret, node.cloud.session, node.cloud.identity):
        assert value not in done.stderr + done.stdout


def test_a_wrong_secret_key_is_refused_by_the_double(node: Node) -> None:
    honest = node.cloud.storage_get
    secret = node.cloud.secret

    def other_key(*arguments: object) -> bytes:
        node.cloud.secret = "another"
        try:
            return honest(*arguments)  # type: ignore[arg-type]
        finally:
            node.cloud.secret = secret

    node.cloud.storage_get = other_key  # type: ignore[method-assign]
    assert "SignatureDoesNotMatch" in last_line(node.fetch())


@pytest.mark.parametrize("item", ["bundle", "settings"])
def test_another_content_is_refused_at_once(node: Node, item: str) -> None:
    node.cloud.objects[node.json[item]["key"]] += b" "
    done = node.fetch()
    assert done.returncode == 1
    assert "has not the sha256" in last_line(done)
    assert not node.home.exists()


@pytest.mark.parametrize("name", ["../evil", "/etc/evil", "sub/../../evil", "./x", "a//b"])
def test_no_file_leaves_the_folder(node: Node, name: str) -> None:
    node.json["bundle"] = put(node.cloud, "bundles", bundle(**{name: b"evil"}))
    done = node.fetch()
    assert done.returncode == 1
    assert "no plain file below it" in last_line(done)
    assert not (node.home.parent / "evil").exists()


@pytest.mark.parametrize("kind", [tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.FIFOTYPE])
def test_links_and_devices_are_refused(node: Node, kind: bytes) -> None:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        info = tarfile.TarInfo("link")
        info.type, info.linkname = kind, "/etc/passwd"
        archive.addfile(info)
    node.json["bundle"] = put(node.cloud, "bundles", buffer.getvalue())
    assert "no plain file below it" in last_line(node.fetch())


def test_it_tells_when_the_installation_fails(node: Node) -> None:
    node.json["bundle"] = put(node.cloud, "bundles", bundle(**{"install.sh": b"exit 7\n"}))
    done = node.fetch()
    assert (done.returncode, last_line(done)) == (
        1,
        "aigw: GAVE UP, nothing is served here: install.sh ended with status 7",
    )


def test_no_secret_stands_in_an_argument(node: Node, tmp_path: Path) -> None:
    node.json["bundle"] = put(
        node.cloud,
        "bundles",
        bundle(**{"install.sh": b'cat /proc/$PPID/cmdline /proc/self/environ > "$(dirname "$0")/../ran"\n'}),
    )
    assert node.fetch().returncode == 0
    seen = (node.home / "ran").read_text()
    assert node.cloud.secret not in seen
    assert node.cloud.session not in seen


def pythons() -> list[str]:
    """Other Pythons on this computer: pyenv's, and those on PATH."""
    found = {}
    root = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv")) / "versions"
    for version in ("3.6", "3.7", "3.8", "3.9", "3.10", "3.11", "3.12", "3.13"):
        for path in sorted(root.glob(f"{version}.*/bin/python3")):
            found[version] = str(path)
        system = shutil.which(f"python{version}", path="/usr/bin:/usr/local/bin")
        if version not in found and system:
            found[version] = system
    return list(found.values())


@pytest.mark.parametrize("python", pythons() or [sys.executable])
def test_it_runs_on_what_the_images_have(node: Node, python: str) -> None:
    done = node.fetch(python)
    assert (done.returncode, last_line(done)) == (0, "aigw: the node is installed")
