"""What an agent may call, with what the front must know of it. All else does not exist, whatever LiteLLM serves."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from enum import Enum, auto

from aigw_node.front.refusal import Form
from aigw_node.settings import Route


class Body(Enum):
    NONE = auto()
    JSON = auto()
    MULTIPART = auto()


@dataclass(frozen=True)
class RouteSpec:
    """`name` is the route's in parameters.json, docs and `extraParameters`. A `{name}` of the path is one segment."""

    name: str
    method: str
    path: str
    body: Body = Body.JSON
    form: Form = Form.OPENAI
    has_model: bool = True
    streams: bool = False


SPECS = (
    RouteSpec("models", "GET", "/v1/models", Body.NONE, has_model=False),
    RouteSpec("models", "GET", "/v1/models/{model}", Body.NONE, has_model=False),
    RouteSpec("chat", "POST", "/v1/chat/completions", streams=True),
    RouteSpec("completions", "POST", "/v1/completions", streams=True),
    RouteSpec("responses", "POST", "/v1/responses", streams=True),
    RouteSpec("response", "GET", "/v1/responses/{response}", Body.NONE, has_model=False),
    RouteSpec("response", "DELETE", "/v1/responses/{response}", Body.NONE, has_model=False),
    RouteSpec("response-cancel", "POST", "/v1/responses/{response}/cancel", Body.NONE, has_model=False),
    RouteSpec("messages", "POST", "/v1/messages", form=Form.ANTHROPIC, streams=True),
    RouteSpec("count-tokens", "POST", "/v1/messages/count_tokens", form=Form.ANTHROPIC),
    RouteSpec("embeddings", "POST", "/v1/embeddings"),
    RouteSpec("rerank", "POST", "/v1/rerank", form=Form.COHERE),
    RouteSpec("rerank", "POST", "/v2/rerank", form=Form.COHERE),
    RouteSpec("moderations", "POST", "/v1/moderations"),
    RouteSpec("images", "POST", "/v1/images/generations"),
    RouteSpec("image-edits", "POST", "/v1/images/edits", Body.MULTIPART),
    RouteSpec("speech", "POST", "/v1/audio/speech"),
    RouteSpec("transcriptions", "POST", "/v1/audio/transcriptions", Body.MULTIPART),
)

_SEGMENT = re.compile(r"\{([^/{}]+)\}")


@dataclass(frozen=True)
class Found:
    spec: RouteSpec
    values: dict[str, str]  # of the path's names


def pattern_of(path: str) -> re.Pattern[str]:
    """A model's name may hold slashes; an id may not."""
    return re.compile(
        "".join(
            re.escape(part) if index % 2 == 0 else f"(?P<{part}>{'.+' if part == 'model' else '[^/]+'})"
            for index, part in enumerate(_SEGMENT.split(path))
        )
    )


class RouteTable:
    """The specs of those routes that settings.json opens."""

    def __init__(self, opened: Iterable[Route]) -> None:
        known = {(spec.method, spec.path): spec for spec in SPECS}
        specs = [known[route.method, route.path] for route in opened if (route.method, route.path) in known]
        self._exact = {(spec.method, spec.path): spec for spec in specs if "{" not in spec.path}
        self._patterns = [(spec, pattern_of(spec.path)) for spec in specs if "{" in spec.path]

    def find(self, method: str, path: str) -> Found | None:
        if spec := self._exact.get((method, path)):
            return Found(spec, {})
        for spec, pattern in self._patterns:
            if spec.method == method and (match := pattern.fullmatch(path)):
                return Found(spec, match.groupdict())
        return None
