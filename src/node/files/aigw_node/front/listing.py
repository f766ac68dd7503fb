"""The models that a key may call, in a form that OpenAI's and Anthropic's clients both read."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

# No model of a gateway has an age: both APIs want one.
CREATED = 0
CREATED_AT = "1970-01-01T00:00:00Z"


def model(name: str) -> dict[str, Any]:
    return {
        **{"id": name, "object": "model", "created": CREATED, "owned_by": "gateway"},
        **{"type": "model", "display_name": name, "created_at": CREATED_AT},
    }


def models(names: Sequence[str]) -> dict[str, Any]:
    ends = {"first_id": names[0] if names else None, "last_id": names[-1] if names else None}
    return {"object": "list", "data": [model(name) for name in names], "has_more": False, **ends}
