"""The environment that LiteLLM reads: set inside this process after its start, so /proc shows none of it."""

from __future__ import annotations

from urllib.parse import quote, urlencode

from aigw_node.secrets import Snapshot
from aigw_node.settings import DatabaseSettings, RedisSettings, Settings

LEAST_CONNECTIONS = 2

# What every node sets; `environment` of settings.json may replace a value.
FIXED = {
    # Nothing is fetched from the internet at boot: the lock pins the data as well as the code.
    "LITELLM_LOCAL_MODEL_COST_MAP": "True",
    "LITELLM_LOCAL_ANTHROPIC_BETA_HEADERS": "True",
    "LITELLM_LOCAL_BLOG_POSTS": "True",
    "LITELLM_LOCAL_POLICY_TEMPLATES": "True",
    "LITELLM_OFFLINE_MODE": "True",  # the same for all that LiteLLM 1.109 and newer fetch; older ones do not know it
    "LITELLM_MODE": "PRODUCTION",  # no .env file is read
    "LITELLM_LOG": "ERROR",
    "DISABLE_ADMIN_UI": "True",
    "NO_DOCS": "True",
    "NO_REDOC": "True",
    "NO_OPENAPI": "True",
    "DISABLE_SCHEMA_UPDATE": "true",  # migration.py has done it, once for the fleet
    "PRISMA_HIDE_UPDATE_MESSAGE": "true",
}


def database_url(database: DatabaseSettings, password: str, workers: int) -> str:
    """A URL in libpq's words; LiteLLM's own translation makes Prisma's of it. The node's workers share its connections."""
    limit = max(LEAST_CONNECTIONS, database.pool_size // workers)
    query = {"connection_limit": str(limit), "pool_timeout": "60", "sslmode": database.ssl_mode}
    if database.ssl_root_certificate:
        query["sslrootcert"] = database.ssl_root_certificate
    user, secret = quote(database.user, safe=""), quote(password, safe="")
    where = f"{database.host}:{database.port}/{quote(database.name, safe='')}"
    return f"postgresql://{user}:{secret}@{where}?{urlencode(query)}"


def redis_environment(redis: RedisSettings, password: str | None) -> dict[str, str]:
    values = {"REDIS_HOST": redis.host, "REDIS_PORT": str(redis.port), "REDIS_SSL": "true" if redis.tls else "false"}
    return {**values, "REDIS_PASSWORD": password} if password else values


def build(settings: Settings, snapshot: Snapshot, workers: int = 1) -> dict[str, str]:
    redis = redis_environment(settings.redis, snapshot.redis_password) if settings.redis else {}
    return {
        **FIXED,
        **settings.environment,
        **redis,
        **snapshot.environment,
        "DATABASE_URL": database_url(settings.database, snapshot.database_password, workers),
    }
