"""A multipart form, read strictly into fields and files, and written anew: LiteLLM gets no header of the caller's parts."""

from __future__ import annotations

import re
from collections.abc import AsyncGenerator, Mapping
from dataclasses import dataclass
from typing import Any

from aigw_node.front.refusal import invalid

FIELDS = 100
FILES = 20
FIELD_BYTES = 1 << 20
NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_.-]{0,63}(\[\])?")
# Others cost far more time than their length, or read one byte as many characters.
CHARSETS = frozenset({b"", b"utf-8", b"utf8", b"us-ascii"})
TYPE = re.compile(r"[a-z]+/[a-z0-9.+-]+")
# What a file's name keeps: providers judge the format by its ending.
UNSAFE = re.compile(r"[^A-Za-z0-9._-]+")


@dataclass(frozen=True)
class File:
    name: str
    type: str
    content: bytes


async def parse(content_type: str, body: bytes) -> dict[str, Any]:
    """Fields by name, a list where a name ends in [] or comes with several files. Raises Refused with 400."""
    from python_multipart.multipart import parse_options_header
    from starlette.datastructures import Headers, UploadFile
    from starlette.formparsers import MultiPartException, MultiPartParser

    if parse_options_header(content_type)[1].get(b"charset", b"").lower() not in CHARSETS:
        raise invalid("the fields of a form must be UTF-8")

    async def stream() -> AsyncGenerator[bytes, None]:
        yield body

    headers = Headers({"content-type": content_type})
    parser = MultiPartParser(headers, stream(), max_files=FILES, max_fields=FIELDS, max_part_size=FIELD_BYTES)
    parser.spool_max_size = len(body) + 1  # never a file on the disk
    try:
        form = await parser.parse()
    except (MultiPartException, KeyError, ValueError, UnicodeError):
        raise invalid("the body is not a valid multipart form") from None
    values: dict[str, Any] = {}
    for name, value in form.multi_items():
        if not NAME.fullmatch(name):
            raise invalid("the form has a field with an invalid name")
        part = await _file(value) if isinstance(value, UploadFile) else value
        if name.endswith("[]"):
            values.setdefault(name, []).append(part)
        elif name in values:
            raise invalid(f'the form has the field "{name}" twice', param=name)
        else:
            values[name] = part
    return values


async def _file(upload: Any) -> File:
    kind = str(upload.content_type or "").partition(";")[0].strip().lower()
    name = UNSAFE.sub("_", str(upload.filename or "file"))[-100:]
    return File(name, kind if TYPE.fullmatch(kind) else "application/octet-stream", await upload.read())


def write(values: Mapping[str, Any]) -> tuple[str, bytes]:
    """The content type and the body of a form."""
    import httpx

    parts = [(name, part) for name, value in values.items() for part in (value if isinstance(value, list) else [value])]
    request = httpx.Request("POST", "https://gateway.invalid", files=[(name, _written(part)) for name, part in parts])
    return request.headers["content-type"], request.read()


def _written(part: Any) -> tuple[str, bytes, str] | tuple[None, str]:
    """A field is a file without a name for httpx, which would send a form of fields alone URL-encoded."""
    return (part.name, part.content, part.type) if isinstance(part, File) else (None, str(part))
