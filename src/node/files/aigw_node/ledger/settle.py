"""What a request used: as the provider and LiteLLM say where that can be true, else what was held for it.

An answer that cost something is never counted as nothing."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from aigw_node.ledger.estimate import CHAT_LIKE, Asked
from aigw_node.ledger.money import microdollars
from aigw_node.ledger.prices import PricesOf, dearest

IN_TOKENS = CHAT_LIKE | {"embeddings"}  # routes whose answers all use some
LONGEST_PROMPT = 2_000_000  # tokens: the largest context that a model has
LONGEST_ANSWER = 1_000_000


@dataclass(frozen=True)
class Used:
    tokens: int = 0
    microdollars: int = 0
    doubtful: bool = False  # what was held is counted


def used(asked: Asked, said: Mapping[str, Any], prices: PricesOf) -> Used:
    """`said`: LiteLLM's standard_logging_object of an answer."""
    if said.get("cache_hit"):
        return Used()
    tokens, cost = said.get("total_tokens"), said.get("response_cost")
    if _is_possible(tokens, asked):
        return Used(tokens or 0, microdollars(cost))
    wanted = asked.estimate()
    return Used(wanted.tokens, microdollars(dearest(prices(asked.model), wanted)), doubtful=True)


def _is_possible(tokens: Any, asked: Asked) -> bool:
    if asked.route not in IN_TOKENS and not tokens:
        return True
    if not isinstance(tokens, int) or isinstance(tokens, bool):
        return False
    return 0 < tokens <= LONGEST_PROMPT + asked.longest_answer(LONGEST_ANSWER)
