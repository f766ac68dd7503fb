"""Serves moto, mended, on a free port of this machine until its standard input ends.

The first line of standard output is the port. Whoever started this holds standard input open: should that process
die, however it dies, the input ends and so does this server.

    python server.py [--without MEND ...]
"""

import argparse
import logging
import os
import sys

from moto.server import ThreadedMotoServer

from mends import MENDS


def main() -> None:
    """Mend, serve, wait for the end of standard input."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--without", nargs="*", default=[], choices=list(MENDS), help="faults to leave as they are")
    left: list[str] = parser.parse_args().without
    for name, mend in MENDS.items():
        if name not in left:
            mend()

    logging.getLogger("werkzeug").setLevel(os.environ.get("MOTO_LOG_LEVEL", "ERROR"))
    server = ThreadedMotoServer("127.0.0.1", 0, verbose=False)
    server.start()
    print(server.get_host_and_port()[1], flush=True)
    sys.stdin.read()


if __name__ == "__main__":
    main()
