"""LiteLLM's management routes, asked inside its own process: no port, no network, and nothing that another node must be up
for. An answer's words may repeat what was sent; they are left out."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from aigw_node.desired import Spec

if TYPE_CHECKING:
    import httpx

PAGE = 100  # more is answered with 422
TIMEOUT = 30.0
AT_ONCE = 4  # agents are served by the same process
LISTED = f"return_full_object=true&sort_by=token&sort_order=asc&size={PAGE}"


class AdminError(Exception):
    """LiteLLM refused, or did not answer in time. `param`: which field of the call it was about, if it says so."""

    def __init__(self, what: str, status: int, param: str = "") -> None:
        super().__init__(f"{what}: {status or 'no answer'}")
        self.status, self.param = status, param


def key_hash(key: str) -> str:
    """The name that LiteLLM keeps a key under."""
    return hashlib.sha256(key.encode()).hexdigest()


class AdminApi:
    def __init__(self, client: httpx.AsyncClient) -> None:
        """`client`: with the master key in its headers."""
        self._client, self._turn = client, asyncio.Semaphore(AT_ONCE)

    async def keys(self) -> list[dict[str, Any]]:
        """Every key of the gateway: `token` is its hash."""
        keys: list[dict[str, Any]] = []
        page = pages = 1
        while page <= pages:
            reply = await self._ask("GET", f"/key/list?{LISTED}&page={page}")
            keys += reply["keys"]
            page, pages = page + 1, reply["total_pages"]
        return keys

    async def update_key(self, hash_: str, spec: Spec) -> bool:
        """False if there is no such key."""
        return await self._unless_absent("POST", "/key/update", {"key": hash_, **spec}, "key") is not None

    async def generate_key(self, key: str, spec: Spec) -> None:
        """LiteLLM answers 200 for a key that exists and changes nothing; under the alias that the key has it refuses: then
        an earlier try was heard, or another one was faster."""
        try:
            await self._ask("POST", "/key/generate", {"key": key, **spec})
        except AdminError as error:
            held = error.status == 400 and error.param == "key_alias"
            if not held or not await self.update_key(key_hash(key), spec):
                raise

    async def block_key(self, hash_: str) -> None:
        """Shuts it at once on every node."""
        await self._unless_absent("POST", "/key/block", {"key": hash_})

    async def delete_key(self, hash_: str) -> None:
        """Other nodes know a deleted key for another minute: block it before."""
        await self._unless_absent("POST", "/key/delete", {"keys": [hash_]})

    async def teams(self) -> list[dict[str, Any]]:
        teams: list[dict[str, Any]] = await self._ask("GET", "/team/list")
        return teams

    async def make_team(self, spec: Spec) -> None:
        """Or where another one has just made it, makes it like this."""
        try:
            await self._ask("POST", "/team/new", spec)
        except AdminError as error:
            if error.status != 400:
                raise
            await self.update_team(spec)

    async def update_team(self, spec: Spec) -> None:
        await self._ask("POST", "/team/update", spec)

    async def keys_of_team(self, team: str) -> int:
        found = await self._unless_absent("GET", f"/team/info?team_id={team}")
        return len(found["keys"]) if found else 0

    async def delete_team(self, team: str) -> None:
        """Deletes its keys too: for a team that has none."""
        await self._unless_absent("POST", "/team/delete", {"team_ids": [team]})

    async def _unless_absent(self, method: str, path: str, body: Spec | None = None, param: str | None = None) -> Any:
        """The reply; None if there is no such thing. A 404 may also be about something else that a call names."""
        try:
            return await self._ask(method, path, body)
        except AdminError as error:
            if error.status == 404 and param in (None, error.param):
                return None
            raise

    async def _ask(self, method: str, path: str, body: Spec | None = None) -> Any:
        what = f"{method} {path.partition('?')[0]}"
        async with self._turn:
            try:
                reply = await asyncio.wait_for(self._client.request(method, path, json=body), TIMEOUT)
            except asyncio.TimeoutError:
                raise AdminError(what, 0) from None
        if reply.is_success:
            return reply.json()
        raise AdminError(what, reply.status_code, _param(reply))


def _param(reply: httpx.Response) -> str:
    try:
        error: Mapping[str, Any] = reply.json()["error"]
        return str(error.get("param") or "")
    except (ValueError, KeyError, TypeError, AttributeError):
        return ""


def inside(app: Any, master_key: str) -> httpx.AsyncClient:
    """A client that calls the app itself."""
    import httpx

    transport = httpx.ASGITransport(app=app, raise_app_exceptions=False)
    headers = {"authorization": f"Bearer {master_key}"}
    return httpx.AsyncClient(transport=transport, base_url="http://gateway.invalid", headers=headers)
