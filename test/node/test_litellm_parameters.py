"""No name that LiteLLM acts on by itself passes: its credentials, hosts, routing, logging, counting."""

from __future__ import annotations

import inspect
from typing import Any

import pytest
from aigw_node.front.parameters import FORBIDDEN, TABLE, Parameters
from aigw_node.front.routes import SPECS, Body

ROUTES = {spec.name: spec for spec in SPECS if spec.body is not Body.NONE}
KINDS = ("openai", "azure", "anthropic", "bedrock", "dashscope", "hosted_vllm", "cohere", "deepseek", "moonshot", "zai")
# They are LiteLLM's and an API's alike: reviewed, with what LiteLLM does with the value that passes.
REVIEWED = {
    # Goes past LiteLLM into the provider's body, or is Anthropic's own argument beside litellm_metadata.
    "metadata": {"chat", "responses", "messages"},
}


@pytest.fixture(scope="module")
def names() -> frozenset[str]:
    """From LiteLLM's own sets and types, so that a new release's names are held against the table too."""
    import litellm
    from litellm.litellm_core_utils import initialize_dynamic_callback_params as callbacks
    from litellm.litellm_core_utils.get_litellm_params import get_litellm_params
    from litellm.proxy.auth import auth_utils
    from litellm.types import router, utils

    found: set[str] = set(utils.all_litellm_params)
    for module in (router, utils):
        for name, value in vars(module).items():
            if inspect.isclass(value) and value.__module__ == module.__name__ and _is_of_litellm(name):
                found |= set(getattr(value, "model_fields", None) or getattr(value, "__annotations__", {}))
    found |= set(auth_utils._BANNED_REQUEST_BODY_PARAMS) | set(callbacks._supported_callback_params)
    found |= set(callbacks._request_blocked_callback_params) | set(inspect.signature(get_litellm_params).parameters)
    found |= set(inspect.signature(litellm.Router.__init__).parameters)
    assert len(found) > 400
    return frozenset(found - {"model", "kwargs"})


def _is_of_litellm(name: str) -> bool:
    return name.endswith(
        ("LiteLLMParams", "LiteLLM_Params", "CallbackDynamicParams", "RouterConfig", "CredentialLiteLLMParams")
    )


@pytest.mark.parametrize("route", sorted(TABLE))
def test_none_passes(names: frozenset[str], route: str) -> None:
    reviewed = {name for name, routes in REVIEWED.items() if route in routes}
    assert {name for name in names if _passes(route, name)} == reviewed & names


def _passes(route: str, name: str) -> bool:
    value: Any = {"x": "y"} if name == "metadata" else "x"
    cleaned = Parameters({}, ()).clean(ROUTES[route], {name: value, "store": True}, KINDS)
    return name in cleaned.body or name in cleaned.carried


def test_the_forbidden_ones_of_litellm_are_known_to_it(names: frozenset[str]) -> None:
    """A name that LiteLLM has given up would guard nothing."""
    assert len(FORBIDDEN & names) > 12


def test_no_prop_opens_a_name_of_litellms(names: frozenset[str]) -> None:
    from aigw_node.front.parameters import FORBIDDEN, TABLE
    from aigw_node.litellm.models import own_parameters

    own = own_parameters() | FORBIDDEN
    parameters = Parameters({"*": own}, (), own_parameters())
    for spec in SPECS:
        if spec.name not in TABLE:
            continue
        documented = {name for judged in TABLE[spec.name].values() for name in judged}
        asked = sorted(own - documented)
        assert parameters.clean(spec, dict.fromkeys(asked, "1"), ()).body == {}
