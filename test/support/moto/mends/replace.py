"""How a mend takes the place of a function or a property of moto."""

from collections.abc import Callable
from typing import Any


def replace(owner: type, replacement: Callable[..., Any], name: str = "") -> None:
    """Put a function where `owner` has one of that name, or has none yet; the name is its own unless another is given."""
    setattr(owner, name or replacement.__name__, replacement)


def replace_property(owner: type, getter: Callable[[Any], Any]) -> None:
    """Put a function where `owner` has a property of its name."""
    setattr(owner, getter.__name__, property(getter))
