"""`python named.py HOST serve ...`: a node on a host of that name."""

from __future__ import annotations

import socket
import sys

host = sys.argv[1]
socket.gethostname = lambda: host

from aigw_node.__main__ import main  # noqa: E402 (what it imports may take the name)

sys.exit(main(sys.argv[2:]))
