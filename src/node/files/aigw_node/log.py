"""One JSON line for each thing that an operator may look for. Values of secrets never come near it."""

from __future__ import annotations

import json
import sys
from datetime import datetime, timezone


def event(name: str, **fields: object) -> None:
    line = {"time": datetime.now(timezone.utc).isoformat(timespec="milliseconds"), "event": name, **fields}
    print(json.dumps(line, ensure_ascii=False), file=sys.stderr, flush=True)
