"""Runs a program and prints what it took: its exit code, seconds, and the most memory that its process has held, in MB.

`python3 measured.py OUTPUT PROGRAM [WORD ...]`; what the program writes goes into the file OUTPUT."""

import json
import os
import subprocess
import sys
import time
from pathlib import Path

output, *words = sys.argv[1:]
with Path(output).open("wb") as file:
    began = time.monotonic()
    child = subprocess.Popen(words, stdin=subprocess.DEVNULL, stdout=file, stderr=subprocess.STDOUT)
    # The kernel's own count, to the process's end.
    _, status, usage = os.wait4(child.pid, 0)
    seconds = time.monotonic() - began
megabytes = usage.ru_maxrss / (2**20 if sys.platform == "darwin" else 2**10)
print(json.dumps({"code": os.waitstatus_to_exitcode(status), "seconds": seconds, "megabytes": megabytes}))
