"""Each parameter that OpenAI's and Anthropic's SDKs know is judged in parameters.json: a new one fails here until it is."""

from __future__ import annotations

import importlib
from typing import Any

import pytest
from aigw_node.front.parameters import TABLE

# The modules of a route's request types. Anthropic's beta types hold what its plain ones do not have yet.
MODULES = {
    "chat": ("openai.types.chat.completion_create_params",),
    "completions": ("openai.types.completion_create_params",),
    "responses": ("openai.types.responses.response_create_params",),
    "embeddings": ("openai.types.embedding_create_params",),
    "moderations": ("openai.types.moderation_create_params",),
    "images": ("openai.types.image_generate_params",),
    "image-edits": ("openai.types.image_edit_params",),
    "speech": ("openai.types.audio.speech_create_params",),
    "transcriptions": ("openai.types.audio.transcription_create_params",),
    "messages": ("anthropic.types.message_create_params", "anthropic.types.beta.message_create_params"),
    "count-tokens": ("anthropic.types.message_count_tokens_params", "anthropic.types.beta.message_count_tokens_params"),
}
# What passes though no SDK of theirs names it: each with the document that does.
BEYOND = {
    "chat": {"thinking"},  # Anthropic's, DeepSeek's and Moonshot's thinking, by LiteLLM's and their documents
    "embeddings": {"input_type"},  # Cohere's and NVIDIA's embedding models
    # Former SDKs have them, and the API takes them of former models.
    "messages": {"temperature", "top_k", "top_p"},
    "count-tokens": {"output_format"},
}
OF_KINDS = {"dashscope", "hosted_vllm"}  # their parameters stand in vLLM's and Alibaba Cloud's documents


def fields(module: str) -> set[str]:
    """The keys of the module's own request types."""
    types = [value for value in vars(importlib.import_module(module)).values() if _is_request(value, module)]
    assert types
    return {name for each in types for name in (*each.__required_keys__, *each.__optional_keys__)}


def _is_request(value: Any, module: str) -> bool:
    name = getattr(value, "__name__", "")
    is_params = name.endswith(("Params", "ParamsBase", "ParamsStreaming", "ParamsNonStreaming"))
    return is_params and hasattr(value, "__required_keys__") and value.__module__ == module


def known(route: str) -> set[str]:
    return {*fields_of_table(route, "pass"), *fields_of_table(route, "carry"), *fields_of_table(route, "ids")}


def fields_of_table(route: str, part: str) -> set[str]:
    return set(TABLE[route].get(part, ()))


def test_the_routes_of_both_sdks_are_all() -> None:
    assert set(MODULES) == set(TABLE) - {"rerank"}  # Cohere's


@pytest.mark.parametrize("route", MODULES)
def test_each_field_is_judged(route: str) -> None:
    found = set().union(*(fields(module) for module in MODULES[route])) - {"model"}
    assert len(found) > 1 or route == "moderations"
    assert found - known(route) - fields_of_table(route, "drop") == set()


@pytest.mark.parametrize("route", MODULES)
def test_what_passes_beyond_the_sdks_is_named_here(route: str) -> None:
    found = set().union(*(fields(module) for module in MODULES[route]))
    of_kinds = {name for name, kinds in TABLE[route].get("carry", {}).items() if set(kinds) <= OF_KINDS}
    assert known(route) - found - of_kinds == BEYOND.get(route, set())
