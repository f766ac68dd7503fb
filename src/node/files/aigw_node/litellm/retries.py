"""Only LiteLLM's router tries again, and no caller waits long for that: a provider's long Retry-After goes to the caller.

The router sleeps for a Retry-After of up to a minute where no other deployment is free: before each try, after the last one,
and once more on the fallback. OpenAI's SDK below it makes two more calls of each, uncounted, on some routes whatever
`max_retries` says."""

from __future__ import annotations

import functools
from typing import Any

from aigw_node.front.failures import failure_of

LONGEST = 1  # second of a Retry-After that is waited for


def _none(self: Any, max_retries: int) -> int:
    """The tries of OpenAI's SDK, beyond the first."""
    return 0


def install() -> None:
    """May be called again."""
    from litellm import Router
    from openai._models import FinalRequestOptions

    setattr(FinalRequestOptions, "get_max_retries", _none)  # noqa: B010
    seconds = Router._time_to_sleep_before_retry
    if hasattr(seconds, "__wrapped__"):
        return

    @functools.wraps(seconds)
    def bounded(self: Any, e: Exception, remaining_retries: int, *more: Any, **named: Any) -> float:
        """Raises the failure where the provider asks for a longer wait: a fallback or the caller has it then."""
        wait = float(seconds(self, e, remaining_retries, *more, **named))
        if wait == 0 or remaining_retries == 0:
            return 0
        if (failure_of(e).retry_after or 0) > LONGEST:
            raise e
        return wait

    setattr(Router, "_time_to_sleep_before_retry", bounded)  # noqa: B010
