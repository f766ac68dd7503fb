"""Which parameters of a request reach LiteLLM, by route, and with which values: parameters.json is the table.

LiteLLM takes much more from a body: other credentials, headers for the provider, the provider itself, switches for logging
and counting. None of that is a caller's to decide. What would reach the provider's account past every limit (its files,
stores, servers that it is told to call) is refused unless the gateway opens it."""

from __future__ import annotations

import ipaddress
import json
import re
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from aigw_node.front.multipart import File
from aigw_node.front.refusal import invalid
from aigw_node.front.routes import Body, RouteSpec

TABLE: Mapping[str, Mapping[str, Any]] = json.loads(Path(__file__).with_name("parameters.json").read_text("utf-8"))
# No caller's, even if the gateway's owner adds them.
FORBIDDEN = frozenset(
    "allowed_model_region api_base api_key api_version aws_access_key_id aws_secret_access_key aws_session_token base_url "
    "cache caching custom_llm_provider default_headers extra_body extra_headers fallbacks headers litellm_call_id "
    "litellm_credential_name litellm_logging_obj litellm_metadata litellm_params mock_response model_info no-log no_log "
    "organization provider_specific_header proxy_server_request router secret_fields user_config".split()
)
# What opens the account of a provider, by the name that `openedIds` gives it.
OPENABLE = ("files", "vector-stores", "containers", "conversations", "mcp-servers", "prompts")
# LiteLLM would act on them; it writes names of its own beside them.
METADATA_NAMES = re.compile(
    r"(?!user_api_key|litellm|aigw|hidden_params|tags$|guardrails$|spend_logs|previous_models$|headers$|no-log$|model_group"
    r"|requester|endpoint$|caching_groups$|deployment$|api_base$|_)[^\x00-\x1f]{1,64}"
)
METADATA_MOST = 16
STREAMS_UNCOUNTED = frozenset({"images", "image-edits", "transcriptions"})
LENGTHS = ("max_tokens", "max_completion_tokens", "max_output_tokens", "top_n")
MOST_LENGTH = 10_000_000
ANSWERS = ("n", "best_of")
MOST_ANSWERS = 128
DOCS = "see docs/parameters.md"


@dataclass(frozen=True)
class Cleaned:
    body: dict[str, Any]
    dropped: tuple[str, ...]
    carried: dict[str, Any]  # for deployments of some kinds only: `add_carried`


class Parameters:
    def __init__(self, extra: Mapping[str, Iterable[str]], opened: Iterable[str]) -> None:
        """`extra`: more names by route, "*" for all routes; `opened`: which of OPENABLE callers may use."""
        self._opened = frozenset(opened)
        everywhere = frozenset(extra.get("*", ()))
        self._extra = {route: (everywhere | frozenset(extra.get(route, ()))) - FORBIDDEN for route in TABLE}

    def clean(self, spec: RouteSpec, body: Mapping[str, Any], kinds: Collection[str]) -> Cleaned:
        """`kinds`: LiteLLM's prefixes of what serves the model. Raises Refused with 400."""
        table = TABLE[spec.name]
        passed, carried, ids = frozenset(table.get("pass", ())), table.get("carry", {}), table.get("ids", {})
        kept: dict[str, Any] = {}
        carry: dict[str, Any] = {}
        dropped: list[str] = []
        for name, value in body.items():
            known = name.removesuffix("[]") if spec.body is Body.MULTIPART else name
            if value is None:
                continue
            if what := ids.get(known):
                self._check_opened(what, known)
                kept[name] = value
            elif known in carried and (carried[known] == "*" or set(carried[known]) & set(kinds)):
                carry[known] = value
            elif known in passed or known in self._extra[spec.name]:
                kept[name] = value
            else:
                dropped.append(name)
        if spec.name not in ("messages", "count-tokens") and "metadata" in kept:
            dropped += _clean_metadata(kept)
        self._check(spec, kept)
        return Cleaned(kept, tuple(sorted(dropped)), carry)

    def _check(self, spec: RouteSpec, kept: Mapping[str, Any]) -> None:
        if spec.body is Body.MULTIPART:
            _check_form(kept)
        else:
            _check_numbers(kept)
        if kept.get("background") is True or (spec.name == "responses" and kept.get("background")):
            raise invalid("background responses are not served: what they use cannot be counted", param="background")
        if spec.name in STREAMS_UNCOUNTED and str(kept.get("stream", "")).lower() in ("true", "1"):
            raise invalid("this route does not stream: what a stream uses cannot be counted", param="stream")
        if spec.name == "speech" and kept.get("stream_format") == "sse":
            raise invalid("this route does not stream events: what they use cannot be counted", param="stream_format")
        for found in _objects(kept):
            for look in _LOOKS:
                if what := look(found):
                    self._check_opened(*what)
            _check_urls(found)

    def _check_opened(self, what: str, param: str) -> None:
        if what not in self._opened:
            said = f'"{param}" names something of the provider\'s account ({what}), which this gateway does not open; {DOCS}'
            raise invalid(said, param=param)


def add_carried(kwargs: dict[str, Any], spec: RouteSpec, carried: Mapping[str, Any], kind: str) -> dict[str, Any]:
    """The arguments of a deployment's call with those parameters that are meant for its kind of provider."""
    kinds = TABLE.get(spec.name, {}).get("carry", {})
    mine = {name: value for name, value in carried.items() if kinds.get(name) == "*" or kind in kinds.get(name, ())}
    return {**kwargs, **mine} if mine else kwargs


def _clean_metadata(kept: dict[str, Any]) -> list[str]:
    """Takes out of `metadata` what LiteLLM would act on; the names that were taken out."""
    said = kept["metadata"]
    if not isinstance(said, dict):
        raise invalid('"metadata" must be an object', param="metadata")
    good = {name: value for name, value in said.items() if METADATA_NAMES.fullmatch(name) and isinstance(value, str)}
    kept["metadata"] = dict(list(good.items())[:METADATA_MOST])
    return [f"metadata.{name}" for name in said if name not in kept["metadata"]]


def _check_numbers(kept: Mapping[str, Any]) -> None:
    """What the limits reckon with must be what it seems."""
    for names, most in ((LENGTHS, MOST_LENGTH), (ANSWERS, MOST_ANSWERS)):
        for name in names:
            value = kept.get(name)
            if value is not None and not (isinstance(value, int) and not isinstance(value, bool) and 1 <= value <= most):
                raise invalid(f'"{name}" must be a whole number from 1 to {most}', param=name)
    if not isinstance(kept.get("stream", False), bool):
        raise invalid('"stream" must be true or false', param="stream")


def _check_form(kept: Mapping[str, Any]) -> None:
    for name, value in kept.items():
        is_file = any(isinstance(part, File) for part in (value if isinstance(value, list) else [value]))
        if is_file != (name.removesuffix("[]") in ("file", "image", "mask")):
            raise invalid(f'"{name}" must {"not " if is_file else ""}be a file', param=name)
    answers = kept.get("n")
    if answers is not None and not (str(answers).isdigit() and 1 <= int(answers) <= MOST_ANSWERS):
        raise invalid(f'"n" must be a whole number from 1 to {MOST_ANSWERS}', param="n")


def _objects(value: Any) -> Iterator[dict[str, Any]]:
    """All objects of a body: its depth is bounded."""
    level: list[Any] = [value]
    while level:
        yield from (each for each in level if isinstance(each, dict))
        level = [
            child
            for each in level
            for child in (each.values() if isinstance(each, dict) else each)
            if isinstance(child, (dict, list))
        ]


def _of_tool(found: Mapping[str, Any]) -> tuple[str, str] | None:
    kind = str(found.get("type", ""))
    if kind in ("file_search", "retrieval") or isinstance(found.get("vector_store_ids"), list):
        return "vector-stores", "tools"
    if kind == "mcp" or any(isinstance(found.get(name), str) for name in ("server_url", "connector_id")):
        return "mcp-servers", "tools"
    if kind.startswith("code_interpreter") and "container" in found and not _is_automatic(found["container"]):
        return "containers", "tools"
    return None


def _is_automatic(container: Any) -> bool:
    return isinstance(container, dict) and container.get("type") == "auto" and not container.get("file_ids")


def _of_file(found: Mapping[str, Any]) -> tuple[str, str] | None:
    """A text, so that a JSON schema may have a property of that name."""
    named = any(isinstance(found.get(name), str) for name in ("file_id", "container_id"))
    listed = isinstance(found.get("file_ids"), list) and all(isinstance(each, str) for each in found["file_ids"])
    return ("files", "file_id") if named or (listed and found["file_ids"]) else None


_LOOKS: tuple[Callable[[Mapping[str, Any]], tuple[str, str] | None], ...] = (_of_tool, _of_file)
# Where the APIs take an address that somebody fetches: LiteLLM itself does for some providers.
_URLS = ("image_url", "file_url", "video_url", "audio_url")


def _check_urls(found: Mapping[str, Any]) -> None:
    named = [found.get(name) for name in _URLS] + ([found.get("url")] if found.get("type") == "url" else [])
    for value in named:
        url = value.get("url") if isinstance(value, dict) else value
        if isinstance(url, str) and not _is_public(url):
            raise invalid("a URL of the request must be a data: URL, or name a public host", param="url")


_NUMBER = re.compile(r"(?:0x[0-9a-f]*|[0-9]+)", re.IGNORECASE)


def _is_public(url: str) -> bool:
    """By what is written: that a name leads to a private address is the network's to stop."""
    if url.startswith("data:"):
        return True
    try:
        parts = urlsplit(url)
        host = (parts.hostname or "").rstrip(".")
    except ValueError:
        return False
    if parts.scheme.lower() not in ("http", "https") or parts.username is not None:
        return False
    try:
        return ipaddress.ip_address(host).is_global
    except ValueError:
        last = host.rpartition(".")[2]  # a number there makes it an address in another spelling
        return "." in host and not host.endswith((".internal", ".local")) and not _NUMBER.fullmatch(last)
