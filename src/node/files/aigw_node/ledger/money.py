"""Money is counted in whole millionths of a US dollar."""

from __future__ import annotations

import math
from typing import Any

MICRO = 1_000_000
MOST = 1_000_000_000  # dollars: Redis's programs count in doubles, exact up to nine times as many microdollars


def microdollars(dollars: Any) -> int:
    """Whole ones, rounded up: what is not free costs one at least. What is no amount of money is none."""
    if not isinstance(dollars, (int, float)) or isinstance(dollars, bool) or not dollars > 0:
        return 0
    return math.ceil(round(min(dollars, MOST) * MICRO, 3))


def in_dollars(micro: int) -> str:
    return f"{micro // MICRO}.{micro % MICRO:06d}".rstrip("0").rstrip(".")
