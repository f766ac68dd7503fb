"""The money that a request may cost, by a deployment's prices: LiteLLM's names of them, US dollars for one of each."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from aigw_node.ledger.estimate import Estimate

Prices = Mapping[str, Any]
PricesOf = Callable[[str], Iterable[Prices]]  # of each deployment of a model

# What is estimated, and the prices that may hold for it: the highest is taken.
HOLDING: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("prompt", ("input_cost_per_token", "input_cost_per_image_token", "cache_creation_input_token_cost")),
    ("answer", ("output_cost_per_token", "output_cost_per_image_token", "output_cost_per_reasoning_token")),
    ("characters", ("input_cost_per_character",)),
    ("seconds", ("input_cost_per_second", "output_cost_per_second")),
    ("images", ("output_cost_per_image",)),
    ("queries", ("input_cost_per_query",)),
)


def dearest(deployments: Iterable[Prices], wanted: Estimate) -> float:
    """0 where no price is known."""
    return max((_cost(prices, wanted) for prices in deployments), default=0.0)


def _cost(prices: Prices, wanted: Estimate) -> float:
    costs: list[float] = [getattr(wanted, what) * max(_price(prices.get(name)) for name in names) for what, names in HOLDING]
    return sum(costs)


def _price(value: Any) -> float:
    return float(value) if isinstance(value, int | float) and not isinstance(value, bool) and value > 0 else 0.0
