"""`python clocked.py FILE serve ...`: a node whose limits have a clock that is off by the seconds in FILE."""

from __future__ import annotations

import sys
import time
from functools import partial
from pathlib import Path

from aigw_node import serve
from aigw_node.__main__ import main

offset = Path(sys.argv[1])
serve.Limits = partial(serve.Limits, now=lambda: time.time() + float(offset.read_text()))  # type: ignore[misc,assignment]
sys.exit(main(sys.argv[2:]))
