"""The models of this gateway, as config.yaml lists them: their names, and what serves them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from aigw_node.front.refusal import Refusal, Refused, invalid
from aigw_node.front.routes import RouteSpec

# LiteLLM sends these to nobody else's API: elsewhere it fails, or takes the deployment's key to OpenAI's host.
ONLY_KINDS: Mapping[str, frozenset[str]] = {
    "moderations": frozenset({"openai"}),
    "image-edits": frozenset({"openai", "azure"}),
}
STORES_RESPONSES = frozenset({"openai", "azure"})


@dataclass(frozen=True)
class Deployment:
    id: str
    model: str  # a name of the gateway
    kind: str  # LiteLLM's prefix of the provider


class Catalogue:
    def __init__(self, config: Mapping[str, Any]) -> None:
        entries = [_deployment(entry) for entry in config.get("model_list") or []]
        self._deployments = {entry.id: entry for entry in entries}
        aliases = (config.get("router_settings") or {}).get("model_group_alias") or {}
        kinds: dict[str, set[str]] = {}
        for entry in entries:
            kinds.setdefault(entry.model, set()).add(entry.kind)
        for alias, target in aliases.items():
            kinds.setdefault(alias, set()).update(kinds.get(target, ()))
        self._kinds = {name: frozenset(of) for name, of in kinds.items()}
        self._aliases = dict(aliases)

    def names(self) -> list[str]:
        return list(self._kinds)

    def kinds(self, model: str) -> frozenset[str]:
        return self._kinds.get(model, frozenset())

    def deployment(self, id_: Any) -> Deployment | None:
        return self._deployments.get(str(id_))

    def is_of(self, deployment: Deployment, model: str) -> bool:
        return deployment.model in (model, self._aliases.get(model))

    def check(self, model: Any) -> str:
        """The name itself. Raises Refused with 400 or 404: a list, a deployment's id, a provider's own name is no name."""
        if not isinstance(model, str) or not model:
            raise invalid('"model" is required: the name of a model of this gateway', param="model")
        if model not in self._kinds:
            said = "this gateway has no model of that name; GET /v1/models lists them"
            raise Refused(Refusal(404, said, "invalid_request_error", code="model_not_found", param="model"))
        return model

    def check_route(self, spec: RouteSpec, model: str) -> None:
        """Raises Refused with 400 for a model that the route cannot serve."""
        kinds = ONLY_KINDS.get(spec.name)
        if kinds is not None and not self.kinds(model) <= kinds:
            said = f'the model "{model}" cannot serve this route: its provider must be one of {", ".join(sorted(kinds))}'
            raise invalid(said, param="model")


def _deployment(entry: Mapping[str, Any]) -> Deployment:
    parameters, info = entry["litellm_params"], entry.get("model_info") or {}
    kind = str(parameters.get("custom_llm_provider") or str(parameters["model"]).partition("/")[0])
    return Deployment(str(info.get("id")), str(entry["model_name"]), kind)
