"""What a picture counts in LiteLLM's estimates of a prompt: always the same, and nothing of it is read.

LiteLLM fetches each picture of `"detail": "high"` by its URL, or walks through its bytes, before it chooses a deployment. It
counts four prompts at a time, so four requests with pictures of a slow host would hold all others of a worker."""

from __future__ import annotations


def _size(data: str) -> tuple[int, int]:
    """That of a picture whose size is not known."""
    from litellm.constants import DEFAULT_IMAGE_HEIGHT, DEFAULT_IMAGE_WIDTH

    return DEFAULT_IMAGE_WIDTH, DEFAULT_IMAGE_HEIGHT


def install() -> None:
    """May be called again."""
    from litellm.litellm_core_utils import token_counter

    setattr(token_counter, "get_image_dimensions", _size)  # noqa: B010
