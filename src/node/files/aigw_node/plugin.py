"""Our part inside LiteLLM: a callback that sees every request before LiteLLM acts on it, and its end."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from litellm.integrations.custom_logger import CustomLogger

from aigw_node import log
from aigw_node.front.catalogue import ONLY_KINDS, STORES_RESPONSES, Catalogue
from aigw_node.front.exchange import Exchange, current, refuse
from aigw_node.front.failures import failure_of
from aigw_node.front.parameters import add_carried
from aigw_node.front.refusal import Refusal
from aigw_node.ledger.estimate import Asked
from aigw_node.ledger.settle import used
from aigw_node.limits import Limits
from aigw_node.litellm import keys
from aigw_node.litellm.models import prices_of
from aigw_node.request_log import RequestLog
from aigw_node.request_record import Recorder

if TYPE_CHECKING:
    from litellm.caching.caching import DualCache
    from litellm.proxy._types import UserAPIKeyAuth

NOT_OURS = Refusal(403, "this request did not come through the gateway's front", "permission_error")


class GatewayPlugin(CustomLogger):
    def __init__(
        self, catalogue: Catalogue, *, limits: Limits, recorder: Recorder, log: RequestLog, shares_cache: bool
    ) -> None:
        super().__init__()
        self._catalogue, self._limits = catalogue, limits
        self._recorder, self._log, self._shares_cache = recorder, log, shares_cache

    async def async_pre_call_hook(
        self, user_api_key_dict: UserAPIKeyAuth, cache: DualCache, data: dict[str, Any], call_type: Any
    ) -> dict[str, Any]:
        exchange = _of_front(data)
        if not self._shares_cache:
            data["cache"] = {**(data.get("cache") or {}), "namespace": f"agent:{exchange.agent}"}
        self._log.admit()
        exchange.asked = Asked(str(exchange.model), exchange.route.name, data, exchange.size)
        await self._limits.admit(user_api_key_dict.metadata, exchange.call, exchange.asked)
        return data

    async def async_pre_call_deployment_hook(self, kwargs: dict[str, Any], call_type: Any) -> dict[str, Any]:
        exchange = current()
        if exchange is None:
            refuse(NOT_OURS)
        kwargs = await self._sent(exchange, kwargs)
        exchange.release()
        return await self._limits.admit_deployment(kwargs)

    async def _sent(self, exchange: Exchange, kwargs: dict[str, Any]) -> dict[str, Any]:
        """What the chosen deployment gets; a fallback's too, which LiteLLM has chosen by itself."""
        deployment = self._catalogue.deployment((kwargs.get("model_info") or {}).get("id"))
        exchange.refusal = None  # of a deployment that was tried before this one
        if deployment is None or exchange.model is None:
            return kwargs
        if not self._catalogue.is_of(deployment, exchange.model) and not await keys.may_call(
            exchange.caller, deployment.model
        ):
            refuse(Refusal(403, f'this key may not call the model "{deployment.model}"', "permission_error"))
        kinds = STORES_RESPONSES if kwargs.get("previous_response_id") else ONLY_KINDS.get(exchange.route.name)
        if kinds is not None and deployment.kind not in kinds:
            refuse(Refusal(400, "the fallback of this model cannot serve this route", "invalid_request_error"))
        return add_carried(kwargs, exchange.route, exchange.carried, deployment.kind)

    async def async_log_success_event(
        self, kwargs: dict[str, Any], response_obj: Any, start_time: Any, end_time: Any
    ) -> None:
        said = kwargs.get("standard_logging_object") or {}
        call = str(kwargs.get("litellm_call_id"))
        self._log.write(self._recorder.succeeded(call, said))
        exchange = current()
        if exchange is None or exchange.asked is None:
            return
        spent = used(exchange.asked, said, prices_of)
        if spent.doubtful:
            log.event("usage-doubtful", call=call, deployment=said.get("model_id"), counted=spent.tokens)
        await self._limits.settle(call, said.get("model_id"), spent.tokens, spent.microdollars)

    async def async_post_call_failure_hook(
        self,
        request_data: dict[str, Any],
        original_exception: Exception,
        user_api_key_dict: UserAPIKeyAuth,
        traceback_str: str | None = None,
    ) -> None:
        """The request failed as a whole, with all its retries and fallbacks."""
        exchange = current()
        if exchange is not None and exchange.failure is None:
            exchange.failure = failure_of(original_exception)
        self._log.write(self._recorder.failed(request_data, original_exception, user_api_key_dict))
        await self._limits.settle(str(request_data.get("litellm_call_id")), None, 0, 0)


def _of_front(data: dict[str, Any]) -> Exchange:
    """The request as the front made it: LiteLLM must not have found another model or call id somewhere."""
    exchange = current()
    if exchange is None or data.get("litellm_call_id") != exchange.call or data.get("model") != exchange.model:
        refuse(NOT_OURS)
    return exchange


def register(plugin: GatewayPlugin) -> None:
    """First of all callbacks: what it takes out, no other one sees. First to hear of a request's end, too: else what it used
    would count only after LiteLLM's own bookkeeping, which takes a second and more when all is busy."""
    import litellm

    litellm.callbacks.insert(0, plugin)
    litellm._async_success_callback.insert(0, plugin)


def is_first(plugin: GatewayPlugin) -> bool:
    import litellm

    return bool(litellm.callbacks) and litellm.callbacks[0] is plugin
