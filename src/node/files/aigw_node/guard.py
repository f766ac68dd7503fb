"""Which parameters of a request reach LiteLLM: the documented ones of the APIs that we serve, and those that the user adds.

LiteLLM takes much more from a body: other credentials, headers for the provider, the provider itself, switches for
logging and counting. None of that is a caller's to decide."""

from __future__ import annotations

from collections.abc import Iterable, MutableMapping
from typing import Any

CHAT = (
    "audio frequency_penalty function_call functions logit_bias logprobs max_completion_tokens max_tokens messages "
    "metadata modalities model n parallel_tool_calls prediction presence_penalty prompt_cache_key reasoning_effort "
    "response_format safety_identifier seed service_tier stop store stream stream_options temperature tool_choice tools "
    "top_logprobs top_p user verbosity web_search_options enable_thinking thinking_budget"
)
COMPLETIONS = "best_of echo prompt suffix"
RESPONSES = (
    "background conversation include input instructions max_output_tokens max_tool_calls previous_response_id reasoning "
    "text truncation"
)
MESSAGES = "container context_management output_config stop_sequences system thinking top_k"
EMBEDDINGS = "dimensions encoding_format input_type"
IMAGES = (
    "background image mask moderation output_compression output_format partial_images quality response_format size style"
)
AUDIO = "chunking_strategy file include input language prompt speed stream_format timestamp_granularities voice"
RERANK = "documents max_chunks_per_doc max_tokens_per_doc query rank_fields return_documents top_n"
DOCUMENTED = frozenset(" ".join((CHAT, COMPLETIONS, RESPONSES, MESSAGES, EMBEDDINGS, IMAGES, AUDIO, RERANK)).split())

# Never a caller's, even where the body that LiteLLM remembers does not show them.
FORBIDDEN = frozenset(
    "allowed_model_region api_base api_key api_version aws_access_key_id aws_secret_access_key aws_session_token "
    "base_url custom_llm_provider default_headers extra_body extra_headers fallbacks headers litellm_credential_name "
    "mock_response no-log no_log organization user_config".split()
)
# LiteLLM writes these itself: over whatever the body said, and litellm_metadata (who is calling, on routes that have a
# `metadata` of their own) after it took out what a caller may not say there. The body that it remembers may show them.
LITELLMS_OWN = frozenset(
    ("litellm_call_id", "litellm_logging_obj", "litellm_metadata", "proxy_server_request", "secret_fields")
)
# Of `metadata`, what LiteLLM would act on.
FORBIDDEN_METADATA = frozenset(("guardrails", "tags", "spend_logs_metadata", "previous_models", "no-log", "headers"))


class Guard:
    def __init__(self, extra: Iterable[str] = ()) -> None:
        self._allowed = (DOCUMENTED | frozenset(extra)) - FORBIDDEN

    def clean(self, data: MutableMapping[str, Any]) -> list[str]:
        """Takes out of LiteLLM's request what the caller may not say; the names that were taken out."""
        remembered = data.get("proxy_server_request")
        body = remembered.get("body") if isinstance(remembered, dict) else None
        asked = set(body) if isinstance(body, dict) else set()
        dropped = sorted(((asked - self._allowed - LITELLMS_OWN) | FORBIDDEN) & set(data))
        for name in dropped:
            del data[name]
        for place in ("metadata", "litellm_metadata"):
            said = body.get(place) if isinstance(body, dict) else None
            held = data.get(place)
            if isinstance(said, dict) and isinstance(held, dict):
                for name in FORBIDDEN_METADATA & set(said):
                    if held.pop(name, None) is not None:
                        dropped.append(f"{place}.{name}")
        return dropped
