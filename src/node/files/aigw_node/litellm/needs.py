"""What the seam needs of LiteLLM, Prisma and uvicorn: dotted names, and of functions the parameters that we pass."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Need:
    """`name`: `module:attribute.attribute`. `parameters`: each must be taken by its name; None: the name must be there."""

    name: str
    parameters: tuple[str, ...] | None = None


AUTH = "litellm.proxy.auth.auth_checks"
SERVER = "litellm.proxy.proxy_server"
LOOKS = ("prisma_client", "user_api_key_cache", "proxy_logging_obj")

NEEDS = (
    # keys.py
    Need("litellm.proxy._types:hash_token", ("token",)),
    Need("litellm.proxy._types:UserAPIKeyAuth"),
    Need("litellm.proxy.common_utils.user_api_key_cache:UserApiKeyCache.get_cache", ("key", "local_only", "model_type")),
    Need(f"{AUTH}:get_key_object", ("hashed_token", *LOOKS)),
    Need(f"{AUTH}:get_team_object", ("team_id", *LOOKS)),
    Need(f"{AUTH}:can_key_call_resolved_model", ("model", "llm_model_list", "valid_token", "llm_router")),
    *(Need(f"{SERVER}:{name}") for name in (*LOOKS, "master_key", "llm_router", "app", "redis_usage_cache")),
    # models.py
    Need("litellm.types.utils:all_litellm_params"),
    Need("litellm.router:Router.get_model_list", ("model_name",)),
    Need("litellm.router:Router.get_router_model_info", ("deployment", "received_model_name")),
    # pictures.py
    Need("litellm.litellm_core_utils.token_counter:get_image_dimensions", ("data",)),
    Need("litellm.constants:DEFAULT_IMAGE_HEIGHT"),
    Need("litellm.constants:DEFAULT_IMAGE_WIDTH"),
    # retries.py
    Need("litellm:Router._time_to_sleep_before_retry", ("e", "remaining_retries")),
    Need("openai._models:FinalRequestOptions.get_max_retries", ("max_retries",)),
    # day_caps.py, counters.py, fleet_limits.py
    Need("litellm.caching.redis_cache:RedisCache.async_register_script", ("script",)),
    Need("litellm.exceptions:RateLimitError", ("message", "llm_provider", "model", "response", "num_retries")),
    # plugin.py
    Need("litellm:callbacks"),
    Need("litellm:_async_success_callback"),
    Need(f"{AUTH}:can_key_call_model", ("model", "llm_model_list", "valid_token", "llm_router")),
    # refresh.py
    Need("litellm.litellm_core_utils.credential_accessor:CredentialAccessor.upsert_credentials", ("credentials",)),
    Need("litellm.types.utils:CredentialItem.model_fields"),
    # serve.py, migration.py
    Need("litellm.proxy.db.db_url_settings:translate_libpq_ssl_params"),
    Need("litellm_proxy_extras.utils:ProxyExtrasDBManager.start_request_log_index_build", ()),
    # query_engine.py
    Need("prisma.engine._query:subprocess.Popen"),
    Need("prisma.engine._query:subprocess.TimeoutExpired"),
    Need("prisma.engine.utils:subprocess.run"),
    # prisma_client.py
    Need("prisma._compat:model_parse"),
    Need("prisma.generator.generator:Generator"),
    Need("prisma.generator.models:PythonData"),
    # outgoing.py
    Need("httpx:AsyncClient.send", ("request", "stream", "auth", "follow_redirects")),
    Need("httpx:Client.send", ("request", "stream", "auth", "follow_redirects")),
    # server.py
    Need("uvicorn:Server.startup", ("sockets",)),
    Need("uvicorn:Server.shutdown", ("sockets",)),
)
