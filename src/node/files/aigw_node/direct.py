"""HTTP without a proxy and without redirects: what is signed, or carries a token, goes to the host that it is meant for."""

from __future__ import annotations

import ssl
import urllib.request

TIMEOUT = 10.0
LARGEST_REPLY = 1 << 20


def opener(context: ssl.SSLContext | None = None) -> urllib.request.OpenerDirector:
    made = urllib.request.OpenerDirector()
    for handler in (
        urllib.request.HTTPHandler(),
        urllib.request.HTTPSHandler(context=context),
        urllib.request.HTTPDefaultErrorHandler(),
        urllib.request.HTTPErrorProcessor(),
    ):
        made.add_handler(handler)
    return made


def send(through: urllib.request.OpenerDirector, request: urllib.request.Request, most: int = LARGEST_REPLY) -> bytes:
    """The body of a good reply; urllib.error.HTTPError for another one."""
    with through.open(request, timeout=TIMEOUT) as reply:
        body: bytes = reply.read(most)
    return body
