"""A JSON body, read once and strictly: what two parsers could read differently is refused."""

from __future__ import annotations

import json
import math
from typing import Any, NoReturn

import orjson

from aigw_node.front.refusal import invalid

DEPTH = 64
# Values of one body: each takes far more memory than its bytes.
VALUES = 1_000_000


def parse(body: bytes) -> dict[str, Any]:
    """The object that the body holds. Raises Refused with 400."""
    if body.count(b",") > VALUES:
        raise invalid(f"the body holds more than {VALUES:,} values")
    try:
        value = json.loads(body.decode(), object_pairs_hook=_object, parse_constant=_constant, parse_float=_float)
    except UnicodeDecodeError:
        raise invalid("the body is not UTF-8") from None
    except RecursionError:
        raise _too_deep() from None
    except ValueError:
        raise invalid("the body is not valid JSON") from None
    if not isinstance(value, dict):
        raise invalid("the body must be a JSON object")
    _check_depth(value)
    return value


def write(value: Any) -> bytes:
    """Raises Refused with 400 for what JSON's other readers do not take: half of a surrogate pair, very long numbers."""
    try:
        return orjson.dumps(value)
    except TypeError:
        raise invalid("the body holds text that is not valid Unicode, or a number of more than 64 bits") from None


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    value = dict(pairs)
    if len(value) != len(pairs):
        raise invalid("the body holds an object with a key twice")
    return value


def _constant(_: str) -> NoReturn:
    raise invalid("the body holds NaN or Infinity, which are not JSON")


def _float(text: str) -> float:
    value = float(text)
    if not math.isfinite(value):
        raise invalid("the body holds a number that is too large")
    return value


def _check_depth(value: dict[str, Any]) -> None:
    level: list[Any] = [value]
    for _ in range(DEPTH):
        level = [
            child
            for container in level
            for child in (container.values() if isinstance(container, dict) else container)
            if isinstance(child, (dict, list))
        ]
        if not level:
            return
    raise _too_deep()


def _too_deep() -> Exception:
    return invalid(f"the body is nested more than {DEPTH} levels deep")
