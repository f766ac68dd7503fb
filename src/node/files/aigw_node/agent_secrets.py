"""The secrets that hold the agents' keys."""

from __future__ import annotations

import re
import secrets
from datetime import datetime, timezone

from aigw_node.stores import SecretNotFound, StoreError, WritableStore

KEY = re.compile(r"sk-\S{13,}")  # LiteLLM takes no other
REVOKED = "revoked "  # stands in the place of a key that was revoked; no gateway takes it for one


class NoKey(Exception):
    """The store has something, or nothing, in the place of a key. Names the secret, shows no value."""


class AgentSecrets:
    """Blocks for as long as the store takes to answer. StoreError, or NoKey, if it has no key and takes none."""

    def __init__(self, store: WritableStore, below: str) -> None:
        """`below`: what the names of the secrets begin with."""
        self._store, self._below = store, below

    def key(self, agent: str) -> str | None:
        """The key that the agent reads; None where there is none, or it was revoked."""
        text = self._text(agent)
        return None if text is None or text.startswith(REVOKED) else self._checked(agent, text)

    def key_or_new(self, agent: str) -> str:
        """The agent's key, made now where there is none. Of two that make one at the same time both get the same."""
        name, text = self._below + agent, self._text(agent)
        if text is not None and not text.startswith(REVOKED):
            return self._checked(agent, text)
        made = f"sk-{secrets.token_hex(24)}"
        try:
            if text is not None:
                self._store.put(name, made)
            elif self._store.put_first(name, made):
                return made
        except SecretNotFound:
            raise NoKey(f"{name}: there is no such secret; apply the stack, which makes it") from None
        return self._checked(agent, self._text(agent) or "")

    def retire(self, agent: str) -> bool:
        """Puts the word that it was revoked in the place of a key; False if there is none."""
        try:
            text = self._text(agent)
            if text is None or text.startswith(REVOKED):
                return False
            self._store.put(self._below + agent, f"{REVOKED}{datetime.now(timezone.utc).isoformat(timespec='seconds')}")
        except (SecretNotFound, StoreError) as error:
            # Whoever is named no more may have lost its secret in the same apply.
            if isinstance(error, StoreError) and not error.deleted:
                raise
            return False
        return True

    def _text(self, agent: str) -> str | None:
        try:
            return self._store.get(self._below + agent).text
        except SecretNotFound:
            return None

    def _checked(self, agent: str, text: str) -> str:
        if not KEY.fullmatch(text):
            raise NoKey(f'{self._below}{agent}: its value is no key: "sk-" and at least 13 characters more')
        return text
