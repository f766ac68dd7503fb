"""What LiteLLM takes beside the parameters of the APIs: credentials, prices, switches. No caller's, whoever adds them."""

from __future__ import annotations


def own_parameters() -> frozenset[str]:
    from litellm.types.utils import all_litellm_params

    return frozenset(all_litellm_params)
