"""Makes a virtual environment with the packages of a locked requirements file, unless it is there already.

    python prepare.py FOLDER REQUIREMENTS

Several processes may ask for the same folder at once: one makes it, the others wait. The lock is the kernel's, so a
process that dies cannot leave it behind; an environment that was left unfinished lacks its marker and is made anew.
"""

import fcntl
import shutil
import subprocess
import sys
import venv
from pathlib import Path


def main() -> None:
    """Wait for whoever makes the environment, then make it if nobody has."""
    folder, requirements = Path(sys.argv[1]), Path(sys.argv[2])
    folder.parent.mkdir(parents=True, exist_ok=True)
    with folder.with_name(f"{folder.name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        marker = folder / "complete"
        if marker.exists():
            return
        shutil.rmtree(folder, ignore_errors=True)
        venv.create(folder, with_pip=True)
        pip: list[str | Path] = [
            folder / "bin" / "python",
            "-m",
            "pip",
            "install",
            "--quiet",
            "--disable-pip-version-check",
        ]
        subprocess.run([*pip, "--no-deps", "--require-hashes", "--only-binary", ":all:", "-r", requirements], check=True)
        marker.touch()


if __name__ == "__main__":
    main()
