"""Fault: a queue's redrive policy comes back with other white space than it was given, so every plan changes it."""

import json
from typing import Any

from moto.sqs.models import SQSBackend

from .replace import replace

_get = SQSBackend.get_queue_attributes


def mend() -> None:
    """Answer the redrive policy compactly, as AWS does."""
    replace(SQSBackend, get_queue_attributes)


def get_queue_attributes(backend: SQSBackend, *args: Any, **kwargs: Any) -> dict[str, Any]:
    """Answer moto's attributes, the redrive policy compactly."""
    answered = _get(backend, *args, **kwargs)
    if answered.get("RedrivePolicy"):
        answered["RedrivePolicy"] = json.dumps(json.loads(answered["RedrivePolicy"]), separators=(",", ":"))
    return answered
