"""What LiteLLM knows of models: their prices, and what it takes beside the parameters of the APIs (credentials, say)."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Any


def own_parameters() -> frozenset[str]:
    from litellm.types.utils import all_litellm_params

    return frozenset(all_litellm_params)


@cache
def prices_of(model: str) -> tuple[Mapping[str, Any], ...]:
    """Of each of the model's deployments, by LiteLLM's names, its own and config.yaml's; those that have any."""
    from litellm.proxy import proxy_server

    router = proxy_server.llm_router
    listed = (router.get_model_list(model_name=model) if router else None) or []
    return tuple(prices for deployment in listed if (prices := _prices(router, deployment, model)))


def _prices(router: Any, deployment: Any, model: str) -> Mapping[str, Any]:
    try:
        return dict(router.get_router_model_info(deployment=deployment, received_model_name=model))
    except ValueError:  # LiteLLM does not know the model
        return {}
