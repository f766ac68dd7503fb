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

from aigw_node.front.multipart import File
from aigw_node.front.refusal import Form, invalid
from aigw_node.front.routes import Body, RouteSpec

TABLE: Mapping[str, Mapping[str, Any]] = json.loads(Path(__file__).with_name("parameters.json").read_text("utf-8"))
# No caller's, even if the gateway's owner adds them.
FORBIDDEN = frozenset(
    "allowed_model_region api_base api_key api_version aws_access_key_id aws_secret_access_key aws_session_token "
    "base_url cache caching custom_llm_provider default_headers extra_body extra_headers fallbacks headers "
    "litellm_call_id litellm_credential_name litellm_logging_obj litellm_metadata litellm_params "
    "mock_response model_info no-log no_log organization provider_specific_header proxy_server_request router "
    "secret_fields user_config".split()
)
# LiteLLM acts on them itself: they go past it, and only where the table carries them.
PAST_LITELLM = frozenset({"metadata", "safety_identifier", "user"})
# What opens the account of a provider, by the name that `openedIds` gives it.
OPENABLE = ("files", "vector-stores", "containers", "conversations", "mcp-servers", "prompts")
# Labels of a stored answer, as OpenAI has them.
METADATA_MOST = 16
METADATA_NAME = re.compile(r"[^\x00-\x1f\x7f]{1,64}")
METADATA_VALUE = 512  # characters
USER_ID = re.compile("user_id")  # all that Anthropic has
STREAMS_UNCOUNTED = frozenset({"images", "image-edits", "transcriptions"})
# Of a form, these may come as a list: name[]. LiteLLM reads every other name[] as if it were the name.
LISTED = frozenset({"image", "include", "timestamp_granularities"})
FILES = frozenset({"file", "image", "mask"})
# What names a caller's own user: a text, never a row.
USERS = ("user", "safety_identifier")
LENGTHS = ("max_tokens", "max_completion_tokens", "max_output_tokens", "top_n")
MOST_LENGTH = 10_000_000
ANSWERS = ("n", "best_of")
MOST_ANSWERS = 128
DOCS = "see docs/parameters.md"


# By their names others may know them: those of the APIs, and those that never pass.
KNOWN = FORBIDDEN.union(*(names for table in TABLE.values() for names in table.values()))


def loggable(names: Iterable[str]) -> list[str]:
    """Names of parameters for a log: one that a caller made up could be anything, a secret too."""
    return sorted({name if name in KNOWN else "other" for name in names})


@dataclass(frozen=True)
class Cleaned:
    body: dict[str, Any]
    dropped: tuple[str, ...]
    carried: dict[str, Any]  # for deployments of some kinds only: `add_carried`


class Parameters:
    def __init__(self, extra: Mapping[str, Iterable[str]], opened: Iterable[str], litellms: Collection[str] = ()) -> None:
        """`extra`: more names by route, "*" for all routes, but none of `litellms`, which are LiteLLM's own; `opened`: which
        of OPENABLE callers may use."""
        self._opened = frozenset(opened)
        everywhere = frozenset(extra.get("*", ()))
        self._extra = {
            route: (everywhere | frozenset(extra.get(route, ()))) - FORBIDDEN.union(PAST_LITELLM, litellms)
            for route in TABLE
        }

    def clean(self, spec: RouteSpec, body: Mapping[str, Any], kinds: Collection[str]) -> Cleaned:
        """`kinds`: LiteLLM's prefixes of what serves the model. Raises Refused with 400."""
        table = TABLE[spec.name]
        passed, carried, ids = frozenset(table.get("pass", ())), table.get("carry", {}), table.get("ids", {})
        kept: dict[str, Any] = {}
        carry: dict[str, Any] = {}
        dropped: list[str] = []
        for name, value in body.items():
            known = _known(spec, name)
            if value is None:
                continue
            if what := ids.get(known):
                if value not in ([], {}):
                    self._check_opened(what, known)
                    kept[name] = value
            elif set(carried.get(known, ())) & set(kinds):
                carry[known] = value
            elif known in passed or known in self._extra[spec.name]:
                kept[name] = value
            else:
                dropped.append(name)
        if spec.name == "chat" and kept.get("store") is not True and "metadata" in carry:
            del carry["metadata"]  # OpenAI refuses labels of what it does not store
            dropped.append("metadata")
        _check_carried(carry)
        labels = USER_ID if spec.form is Form.ANTHROPIC else METADATA_NAME
        dropped += _clean_metadata(kept, labels) + _clean_metadata(carry, labels)
        self._check(spec, kept, carry)
        return Cleaned(kept, tuple(sorted(dropped)), carry)

    def _check(self, spec: RouteSpec, kept: dict[str, Any], carry: Mapping[str, Any]) -> None:
        if spec.body is Body.MULTIPART:
            _check_form(kept)
        else:
            _check_numbers(kept)
        if kept.get("background") is True or (spec.name == "responses" and kept.get("background")):
            raise invalid("background responses are not served: what they use cannot be counted", param="background")
        if spec.name in STREAMS_UNCOUNTED and str(kept.pop("stream", "false")).lower() not in ("false", "0", ""):
            raise invalid("this route does not stream: what a stream uses cannot be counted", param="stream")
        if spec.name == "speech" and kept.get("stream_format", "audio") != "audio":
            raise invalid("this route does not stream events: what they use cannot be counted", param="stream_format")
        if spec.name == "responses" and any(_is_reference(item) for item in _items(kept.get("input"))):
            self._check_opened("conversations", "input")
        for found in _objects({**carry, **kept}):
            for look in _LOOKS:
                for what, param in look(found):
                    self._check_opened(what, param)
            _check_urls(found)

    def _check_opened(self, what: str, param: str) -> None:
        if what not in self._opened:
            said = f'"{param}" names something of the provider\'s account ({what}), which this gateway does not open; {DOCS}'
            raise invalid(said, param=param)


# LiteLLM gives each provider its own form of them; all else goes into the provider's body as it is.
_NATIVE = frozenset({"user"})


def add_carried(kwargs: dict[str, Any], spec: RouteSpec, carried: Mapping[str, Any], kind: str) -> dict[str, Any]:
    """The arguments of a deployment's call with those parameters that are meant for its kind of provider."""
    kinds = TABLE.get(spec.name, {}).get("carry", {})
    mine = {name: value for name, value in carried.items() if kind in kinds.get(name, ())}
    if spec.form is Form.ANTHROPIC:
        return {**kwargs, **mine}
    native = {name: value for name, value in mine.items() if name in _NATIVE}
    rest = {name: value for name, value in mine.items() if name not in _NATIVE}
    # Never an empty one, which LiteLLM would send to Anthropic. What the gateway's owner has set there stays.
    body = {"extra_body": {**rest, **(kwargs.get("extra_body") or {})}} if rest else {}
    return {**kwargs, **native, **body}


def _known(spec: RouteSpec, name: str) -> str:
    """The name in the table: LiteLLM takes name[] of a form for name."""
    base = name.removesuffix("[]")
    return base if spec.body is Body.MULTIPART and base in LISTED else name


def _check_carried(carry: Mapping[str, Any]) -> None:
    for name in USERS:
        if name in carry and not isinstance(carry[name], str):
            raise invalid(f'"{name}" must be a text', param=name)


def _clean_metadata(found: dict[str, Any], names: re.Pattern[str]) -> list[str]:
    """Takes out of `metadata` what is no label; the names that were taken out."""
    if "metadata" not in found:
        return []
    said = found["metadata"]
    if not isinstance(said, dict):
        raise invalid('"metadata" must be an object', param="metadata")
    good = [(name, value) for name, value in said.items() if names.fullmatch(name) and _is_label(value)]
    found["metadata"] = dict(good[:METADATA_MOST])
    return [f"metadata.{name}" for name in said if name not in found["metadata"]]


def _is_label(value: Any) -> bool:
    return isinstance(value, str) and len(value) <= METADATA_VALUE


def _check_numbers(kept: Mapping[str, Any]) -> None:
    """What the limits reckon with must be what it seems."""
    for names, most in ((LENGTHS, MOST_LENGTH), (ANSWERS, MOST_ANSWERS)):
        for name in names:
            value = kept.get(name)
            if value is not None and not (isinstance(value, int) and not isinstance(value, bool) and 1 <= value <= most):
                raise invalid(f'"{name}" must be a whole number from 1 to {most}', param=name)
    if not isinstance(kept.get("stream", False), bool):
        raise invalid('"stream" must be true or false', param="stream")


_SMALL = re.compile(r"[0-9]{1,3}")


def _check_form(kept: Mapping[str, Any]) -> None:
    for name, value in kept.items():
        if f"{name}[]" in kept:  # LiteLLM fails on both
            raise invalid(f'the form has the field "{name}" twice', param=name)
        wants_file = name.removesuffix("[]") in FILES
        if any(isinstance(part, File) != wants_file for part in (value if isinstance(value, list) else [value])):
            raise invalid(f'"{name}" must {"" if wants_file else "not "}be a file', param=name)
    answers = kept.get("n")
    if answers is not None and not (_SMALL.fullmatch(answers) and 1 <= int(answers) <= MOST_ANSWERS):
        raise invalid(f'"n" must be a whole number from 1 to {MOST_ANSWERS}', param="n")


# Below them lies what the model or the caller's program reads, and nothing that a provider looks up: schemas, arguments.
_DATA = frozenset("arguments documents guided_json input_examples input_schema json metadata parameters schema".split())


def _objects(value: Any) -> Iterator[dict[str, Any]]:
    """All objects of a body but those of the caller's own data: its depth is bounded."""
    level: list[Any] = [value]
    while level:
        yield from (each for each in level if isinstance(each, dict))
        level = [
            child
            for each in level
            for child in (_children(each) if isinstance(each, dict) else each)
            if isinstance(child, (dict, list))
        ]


def _children(found: Mapping[str, Any]) -> Iterator[Any]:
    is_call = str(found.get("type", "")).endswith("tool_use")
    for name, value in found.items():
        if not (name in _DATA or (is_call and name == "input")):
            yield value


Finding = Iterator[tuple[str, str]]


def _of_tool(found: Mapping[str, Any]) -> Finding:
    kind = str(found.get("type", ""))
    if kind in ("file_search", "retrieval") or isinstance(found.get("vector_store_ids"), list):
        yield "vector-stores", "tools"
    if kind == "mcp" or any(isinstance(found.get(name), str) for name in ("server_url", "connector_id")):
        yield "mcp-servers", "tools"


def _of_container(found: Mapping[str, Any]) -> Finding:
    container = found.get("container")
    if str(found.get("type", "")).startswith("code_interpreter") and not (container is None or _is_automatic(container)):
        yield "containers", "tools"
    if any(isinstance(found.get(name), str) for name in ("container_id", "skill_id")) and not _is_told(found):
        yield "containers", "container_id"


def _is_automatic(container: Any) -> bool:
    return isinstance(container, dict) and container.get("type") == "auto"


def _of_file(found: Mapping[str, Any]) -> Finding:
    """A text, so that a JSON schema may have a property of that name."""
    if isinstance(found.get("file_id"), str) and not _is_told(found):
        yield "files", "file_id"
    if isinstance(found.get("file_ids"), list) and found["file_ids"]:
        yield "files", "file_ids"


_TOLD = ("_citation", "_location", "file_path", "code_execution_output")


def _is_told(found: Mapping[str, Any]) -> bool:
    """What a former answer said of its sources: a provider opens nothing for it."""
    return str(found.get("type", "")).endswith(_TOLD)


def _of_audio(found: Mapping[str, Any]) -> Finding:
    """A former spoken answer, by its id."""
    audio = found.get("audio")
    if found.get("role") == "assistant" and isinstance(audio, dict) and "id" in audio:
        yield "conversations", "messages"


_LOOKS: tuple[Callable[[Mapping[str, Any]], Finding], ...] = (_of_tool, _of_container, _of_file, _of_audio)


def _items(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def _is_reference(item: Any) -> bool:
    """An item of a stored answer, by its id alone. OpenAI takes one without a type for a reference, too."""
    if not isinstance(item, dict):
        return False
    return item.get("type") == "item_reference" or (item.get("type") is None and "id" in item and "role" not in item)


# Where the APIs take an address that somebody fetches: LiteLLM itself does for some providers.
_URLS = ("image_url", "file_url", "video_url", "audio_url", "server_url")
# Here LiteLLM takes an address in place of an id or of the content.
_MAYBE_URLS = ("file_id", "file_data")
_SCHEME = re.compile(r"\s*[a-z][a-z0-9+.-]*://", re.IGNORECASE)


def _check_urls(found: Mapping[str, Any]) -> None:
    named = [found.get(name) for name in _URLS]
    named += [found.get(name) for name in _MAYBE_URLS if _SCHEME.match(str(found.get(name)))]
    source, audio = found.get("source"), found.get("input_audio")
    if isinstance(source, dict) and source.get("type") == "url":
        named.append(source)
    if isinstance(audio, dict) and _SCHEME.match(str(audio.get("data"))):
        named.append(audio["data"])
    named += _items(found.get("mcp_servers"))
    for value in named:
        url = value.get("url") if isinstance(value, dict) else value
        if isinstance(url, str) and not _is_public(url):
            raise invalid("a URL of the request must be a data: URL, or name a public host", param="url")


# Nothing that two readers of URLs could read differently.
_URL = re.compile(
    r"https?://(?P<host>[a-z0-9_-]+(?:\.[a-z0-9_-]+)+)\.?(?::[0-9]{1,5})?(?:[/?#][^\x00-\x1f\x7f\\]*)?", re.IGNORECASE
)
_DATA_URL = re.compile(r"data:", re.IGNORECASE)
_NUMBER = re.compile(r"0x[0-9a-f]*|[0-9]+", re.IGNORECASE)
_INNER = (".internal", ".local", ".localhost", ".localdomain", ".lan", ".intranet", ".corp", ".home.arpa")
# Public by its number, yet each Azure machine's own.
_INNER_ADDRESSES = frozenset({"168.63.129.16"})


def _is_public(url: str) -> bool:
    """By what is written: that a name leads to a private address is the network's to stop."""
    if _DATA_URL.match(url):
        return True
    match = _URL.fullmatch(url)
    if match is None:
        return False
    host = match["host"].lower()
    try:
        address = ipaddress.IPv4Address(host)
    except ValueError:
        # A number at the end makes it an address in another spelling.
        return not host.endswith(_INNER) and not _NUMBER.fullmatch(host.rpartition(".")[2])
    return address.is_global and not address.is_multicast and host not in _INNER_ADDRESSES
