"""Whose key it is, by LiteLLM's own caches and database: what it changes there (block, unblock, update, delete) holds here.

No request and no body is needed, so a caller is known before a byte of a body is read."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timezone
from typing import Any

from aigw_node.day_caps import AGENT

DEADLINE = 5.0  # seconds for a look at Redis and the database
PREFIX = "sk-"  # of every key; LiteLLM takes what has another start for something else


class NoCaller(Exception):
    """Nobody's key. Says nothing of the key."""


class UnknownKey(NoCaller):
    pass


class BlockedKey(NoCaller):
    pass


class ExpiredKey(NoCaller):
    pass


class KeysUnavailable(Exception):
    """Neither a cache nor the database told whose key it is. It may well be good."""


@dataclass(frozen=True)
class Caller:
    hash: str  # of the key: LiteLLM's name for it
    alias: str | None
    agent: str | None  # of metadata; keys that were made by hand have none
    team: str | None
    models: tuple[str, ...]  # as the key names them: `may_call` knows what they mean
    allowed_routes: tuple[str, ...]
    metadata: Mapping[str, Any]
    auth: Any = field(repr=False, compare=False)  # LiteLLM's UserAPIKeyAuth, this request's own


def is_master(key: str) -> bool:
    from litellm.proxy import proxy_server

    master = proxy_server.master_key
    return isinstance(master, str) and secrets.compare_digest(key.encode(), master.encode())


async def identify(key: str) -> Caller:
    """Raises a NoCaller or KeysUnavailable. The master key is nobody's: LiteLLM keeps it among the cached keys."""
    if not key.startswith(PREFIX) or not key.isascii() or is_master(key):
        raise UnknownKey
    from litellm.proxy._types import hash_token

    auth = await _look_up(hash_token(key))
    if getattr(auth.user_role, "value", auth.user_role) == "proxy_admin":
        raise UnknownKey
    if auth.blocked is True or (auth.team_id and await _is_teams_blocked(auth)):
        raise BlockedKey
    if _is_over(auth.expires):
        raise ExpiredKey
    metadata = auth.metadata or {}
    agent = metadata.get(AGENT)
    return Caller(
        hash=auth.token,
        alias=auth.key_alias,
        agent=agent if isinstance(agent, str) else None,
        team=auth.team_id,
        models=tuple(auth.models or ()),
        allowed_routes=tuple(auth.allowed_routes or ()),
        metadata=metadata,
        auth=auth,
    )


async def may_call(caller: Caller, model: str) -> bool:
    """By the rules of LiteLLM: of the key, its team, its project; with aliases, wildcards and access groups."""
    from litellm.proxy import proxy_server
    from litellm.proxy.auth.auth_checks import can_key_call_resolved_model

    router = proxy_server.llm_router
    try:
        await asyncio.wait_for(
            can_key_call_resolved_model(model=model, llm_model_list=None, valid_token=caller.auth, llm_router=router),
            DEADLINE,
        )
    except Exception as error:
        if _is_refusal(error):
            return False
        raise KeysUnavailable from error
    return True


async def _look_up(hashed: str) -> Any:
    from litellm.proxy import proxy_server
    from litellm.proxy._types import UserAPIKeyAuth
    from litellm.proxy.auth.auth_checks import get_key_object

    cache = proxy_server.user_api_key_cache
    # Memory first and apart: this is the way of nearly all requests, and a deadline costs more than the look.
    held = cache.get_cache(key=hashed, model_type=UserAPIKeyAuth, local_only=True)
    if held is not None:
        return held
    looking = get_key_object(
        hashed_token=hashed,
        prisma_client=proxy_server.prisma_client,
        user_api_key_cache=cache,
        proxy_logging_obj=proxy_server.proxy_logging_obj,
    )
    try:
        return await asyncio.wait_for(looking, DEADLINE)
    except Exception as error:
        if _is_refusal(error):
            raise UnknownKey from None
        raise KeysUnavailable from error


async def _is_teams_blocked(auth: Any) -> bool:
    """Of the team itself: what the key holds of it is as old as the key's place in the cache."""
    from litellm.proxy import proxy_server
    from litellm.proxy.auth.auth_checks import get_team_object

    looking = get_team_object(
        team_id=auth.team_id,
        prisma_client=proxy_server.prisma_client,
        user_api_key_cache=proxy_server.user_api_key_cache,
        proxy_logging_obj=proxy_server.proxy_logging_obj,
    )
    try:
        team = await asyncio.wait_for(looking, DEADLINE)
    except Exception as error:
        if not _is_refusal(error):
            raise KeysUnavailable from error
        return bool(auth.team_blocked)
    return bool(team.blocked)


def _is_refusal(error: Exception) -> bool:
    """LiteLLM's answer, and no failure of the look: a ProxyException or HTTPException of a status below 500."""
    status = str(getattr(error, "code", None) or getattr(error, "status_code", ""))
    return status in ("401", "403", "404")


def _is_over(expires: Any) -> bool:
    if not expires:
        return False
    end = expires if isinstance(expires, datetime) else datetime.fromisoformat(expires.replace("Z", "+00:00"))
    return (end if end.tzinfo else end.replace(tzinfo=timezone.utc)) < datetime.now(timezone.utc)
