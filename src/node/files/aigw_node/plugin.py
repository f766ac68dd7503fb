"""Our part inside LiteLLM: a callback that sees every request before LiteLLM acts on it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from litellm.integrations.custom_logger import CustomLogger

from aigw_node.day_caps import microdollars
from aigw_node.guard import Guard
from aigw_node.limits import Limits
from aigw_node.request_log import RequestLog
from aigw_node.request_record import Recorder

if TYPE_CHECKING:
    from litellm.caching.caching import DualCache
    from litellm.proxy._types import UserAPIKeyAuth


class GatewayPlugin(CustomLogger):
    def __init__(
        self,
        guard: Guard,
        default_model: str | None,
        *,
        limits: Limits,
        recorder: Recorder,
        log: RequestLog,
    ) -> None:
        super().__init__()
        self._guard, self._default_model, self._limits = guard, default_model, limits
        self._recorder, self._log = recorder, log

    async def async_pre_call_hook(
        self, user_api_key_dict: UserAPIKeyAuth, cache: DualCache, data: dict[str, Any], call_type: Any
    ) -> dict[str, Any]:
        self._guard.clean(data)
        if self._default_model and not data.get("model"):
            await _check_model(self._default_model, user_api_key_dict)
            data["model"] = self._default_model
        self._log.admit()
        await self._limits.admit(user_api_key_dict.metadata, str(data.get("litellm_call_id")), data)
        return data

    async def async_pre_call_deployment_hook(self, kwargs: dict[str, Any], call_type: Any) -> dict[str, Any]:
        return await self._limits.admit_deployment(kwargs)

    async def async_log_success_event(
        self, kwargs: dict[str, Any], response_obj: Any, start_time: Any, end_time: Any
    ) -> None:
        said = kwargs.get("standard_logging_object") or {}
        call = str(kwargs.get("litellm_call_id"))
        self._log.write(self._recorder.succeeded(call, said))
        # An answer from the cache costs nothing.
        spent = {} if said.get("cache_hit") else said
        tokens, cost = int(spent.get("total_tokens") or 0), microdollars(spent.get("response_cost"))
        await self._limits.settle(call, said.get("model_id"), tokens, cost)

    async def async_post_call_failure_hook(
        self,
        request_data: dict[str, Any],
        original_exception: Exception,
        user_api_key_dict: UserAPIKeyAuth,
        traceback_str: str | None = None,
    ) -> None:
        """The request failed as a whole, with all its retries and fallbacks."""
        self._log.write(self._recorder.failed(request_data, original_exception, user_api_key_dict))
        await self._limits.settle(str(request_data.get("litellm_call_id")), None, 0, 0)


async def _check_model(model: str, key: UserAPIKeyAuth) -> None:
    """LiteLLM held the key's models against a request that named none; that is made good here."""
    from litellm.proxy import proxy_server
    from litellm.proxy.auth.auth_checks import can_key_call_model

    await can_key_call_model(
        model=model,
        llm_model_list=proxy_server.llm_model_list,
        valid_token=key,
        llm_router=proxy_server.llm_router,
    )


def register(plugin: GatewayPlugin) -> None:
    """First of all callbacks: what it takes out, no other one sees. First to hear of a request's end, too: else what it used
    would count only after LiteLLM's own bookkeeping, which takes a second and more when all is busy."""
    import litellm

    litellm.callbacks.insert(0, plugin)
    litellm._async_success_callback.insert(0, plugin)


def is_first(plugin: GatewayPlugin) -> bool:
    import litellm

    return bool(litellm.callbacks) and litellm.callbacks[0] is plugin
