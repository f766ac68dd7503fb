"""What a request may use, read from the request: it is held while the request runs, and its true use counted at its end.

Whatever a provider reads as a prompt counts: tools and schemas too, token numbers, each of several prompts."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

MOST = 1_000_000_000
CHAT_LIKE = frozenset({"chat", "completions", "responses", "messages"})
PROMPTS = (
    *("messages", "system", "instructions", "input", "prompt", "suffix", "prediction"),
    *("tools", "functions", "response_format", "output_format", "output_config", "text"),
    *("query", "documents"),
)
ANSWER_LIMITS = ("max_tokens", "max_completion_tokens", "max_output_tokens")
ANSWERS = ("n", "best_of")
# Of the parts of a message.
CODED = frozenset({"data", "file_data", "url", "image_url", "video", "image"})
USUAL_ANSWER = 1000  # tokens, where the caller sets no limit
ASCII_PER_TOKEN = 4  # a character of any other script is one at least
# Anthropic's pictures have at most about 1,600 tokens, OpenAI's of high detail 1,445:
# https://docs.anthropic.com/en/docs/build-with-claude/vision, https://platform.openai.com/docs/guides/images-vision
PICTURE = 1600
CODED_PER_TOKEN = 40  # characters in base64 of a document, a sound, a picture: where that is more than a picture's
IMAGE = 6240  # tokens of a made image, of high quality: https://platform.openai.com/docs/guides/image-generation
BYTES_PER_SECOND = 4000  # of a recording of speech, well compressed
CHARACTERS_PER_SECOND = 15  # of speech
DOCUMENTS_PER_QUERY = 100  # https://docs.cohere.com/docs/rate-limits: a search with more documents is billed as several


@dataclass(frozen=True)
class Estimate:
    prompt: int = 0  # tokens
    answer: int = 0  # tokens
    characters: int = 0  # read aloud
    seconds: int = 0  # of sound, read or made
    images: int = 0
    queries: int = 0  # of a search

    @property
    def tokens(self) -> int:
        return min(self.prompt + self.answer, MOST)


@dataclass(frozen=True)
class Asked:
    """A request, as the limits ask about it."""

    model: str
    route: str  # the name of its RouteSpec
    data: Mapping[str, Any]  # its parameters
    size: int = 0  # bytes

    def estimate(self) -> Estimate:
        return estimate(self.route, self.data, self.size)

    def longest_answer(self, unlimited: int) -> int:
        """Tokens; `unlimited`: of one answer whose length the caller does not limit."""
        return _answers(self.data, unlimited)


def estimate(route: str, data: Mapping[str, Any], size: int = 0) -> Estimate:
    prompt = sum(_tokens(data.get(name)) for name in PROMPTS)
    if route in CHAT_LIKE:
        return Estimate(prompt, _answers(data, USUAL_ANSWER))
    if route in ("images", "image-edits"):
        images = _most(data, ("n",), 1)
        return Estimate(prompt, min(images * IMAGE, MOST), images=images)
    if route == "speech":
        read = len(data["input"]) if isinstance(data.get("input"), str) else 0
        return Estimate(prompt, characters=read, seconds=-(-read // CHARACTERS_PER_SECOND))
    if route == "transcriptions":
        seconds = -(-size // BYTES_PER_SECOND)
        return Estimate(prompt, USUAL_ANSWER, seconds=seconds)
    if route == "rerank":
        documents = data.get("documents")
        return Estimate(prompt, queries=-(-len(documents) // DOCUMENTS_PER_QUERY) if isinstance(documents, list) else 1)
    return Estimate(prompt)


def _answers(data: Mapping[str, Any], unlimited: int) -> int:
    thinking = data.get("thinking")
    thought = _most(thinking, ("budget_tokens",), 0) if isinstance(thinking, dict) else 0
    longest = _most(data, ANSWER_LIMITS, 0) if _numbers(data, ANSWER_LIMITS) else unlimited
    return min(max(longest, thought) * _most(data, ANSWERS, 1) * _prompts(data.get("prompt")), MOST)


def _prompts(prompt: Any) -> int:
    """A list of texts, or of lists of token numbers, is answered one by one."""
    return len(prompt) if isinstance(prompt, list) and set(map(type, prompt)) != {int} else 1


def _numbers(data: Mapping[str, Any], names: Iterable[str]) -> list[int]:
    return [data[name] for name in names if isinstance(data.get(name), int) and not isinstance(data[name], bool)]


def _most(data: Mapping[str, Any], names: Iterable[str], least: int) -> int:
    return min(max(least, least, *_numbers(data, names)), MOST)


def _tokens(value: Any) -> int:
    if isinstance(value, str):
        ascii = len(value.encode("ascii", "ignore"))
        return -(-ascii // ASCII_PER_TOKEN) + len(value) - ascii
    if isinstance(value, list):
        return len(value) if set(map(type, value)) == {int} else sum(map(_tokens, value))
    if isinstance(value, dict):
        parts = ((_coded if name in CODED else _tokens)(part) for name, part in value.items())
        return sum(map(_tokens, value)) + sum(parts)
    return 1 if value is not None else 0  # a token's number, or a word of JSON


def _coded(value: Any) -> int:
    """A picture, a sound or a document; in base64 or by its address."""
    if isinstance(value, str):
        return max(PICTURE, len(value) // CODED_PER_TOKEN)
    return _tokens(value)
