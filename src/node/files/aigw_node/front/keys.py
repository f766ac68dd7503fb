"""Whose key a request bears, and what it may call: known before a byte of the body is read."""

from __future__ import annotations

from collections.abc import Iterable

from aigw_node import log
from aigw_node.asgi import Headers
from aigw_node.front.headers import key_of, unauthorized
from aigw_node.front.refusal import Refusal, Refused
from aigw_node.litellm import keys
from aigw_node.litellm.keys import Caller

RETRY_SECONDS = 5
UNKNOWN = "this is not an API key of this gateway"


def _unavailable() -> Refused:
    return Refused(Refusal(503, "the gateway cannot look up keys at the moment", "keys_unavailable", RETRY_SECONDS))


async def caller_of(headers: Headers) -> tuple[str, Caller]:
    """The key and its caller. Raises Refused with 401 or 503. The master key opens nothing here."""
    key = key_of(headers)
    if keys.is_master(key):
        raise unauthorized("this key administers the gateway; agents' requests need an agent's key")
    try:
        return key, await keys.identify(key)
    except keys.BlockedKey:
        raise unauthorized("this key is blocked") from None
    except keys.ExpiredKey:
        raise unauthorized("this key has expired") from None
    except keys.UnknownKey:
        raise unauthorized(UNKNOWN) from None
    except keys.KeysUnavailable as error:
        log.event("keys-unavailable", error=type(error.__cause__ or error).__name__)
        raise _unavailable() from None


async def check_model(caller: Caller, model: str) -> None:
    """Raises Refused with 403 or 503."""
    if not await _may_call(caller, model):
        said = f'this key may not call the model "{model}"; GET /v1/models lists those that it may call'
        raise Refused(Refusal(403, said, "permission_error", code="model_not_allowed", param="model"))


async def callable_models(caller: Caller, names: Iterable[str]) -> list[str]:
    return [name for name in names if await _may_call(caller, name)]


def check_route(caller: Caller, path: str) -> None:
    """Raises Refused with 403: a key names the routes that it opens."""
    allowed = caller.allowed_routes
    if allowed and not any(path == route or (route.endswith("/*") and path.startswith(route[:-1])) for route in allowed):
        raise Refused(Refusal(403, "this key may not call this route", "permission_error", code="route_not_allowed"))


async def _may_call(caller: Caller, model: str) -> bool:
    try:
        return await keys.may_call(caller, model)
    except keys.KeysUnavailable:
        raise _unavailable() from None
