"""python -m aigw_node COMMAND: `serve` is the gateway; the others are steps of install.sh and of making a lock file."""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path

from aigw_node import log
from aigw_node.errors import NodeError


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m aigw_node", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)

    serve = commands.add_parser("serve", help="run the gateway")
    serve.add_argument("--settings", type=Path, required=True)
    serve.add_argument("--config", type=Path, required=True)
    serve.add_argument("--host", default="0.0.0.0")  # noqa: S104 (the balancer comes in from the network)

    ship = commands.add_parser("ship", help="ship the request log to the log store")
    ship.add_argument("--settings", type=Path, required=True)

    launched = commands.add_parser("launched", help="tell the scaling group that this node serves")
    launched.add_argument("--settings", type=Path, required=True)

    client = commands.add_parser("prisma-client", help="the Prisma client for LiteLLM's schema")
    client.add_argument("action", choices=("record", "make"))
    client.add_argument("file", type=Path)

    commands.add_parser("check", help="is LiteLLM as the gateway needs it? Status 2 if not")

    engine = commands.add_parser("query-engine", help="download Prisma's query engine")
    engine.add_argument("--client", type=Path, required=True, help="prisma-client.json, which names the engine's commit")
    engine.add_argument("--mirror", default="")
    engine.add_argument("--target", required=True)
    engine.add_argument("--sha256", default="")
    engine.add_argument("--out", type=Path, required=True)
    return parser


def main(arguments: list[str] | None = None) -> int:
    options = _parser().parse_args(arguments)
    try:
        if options.command == "serve":
            from aigw_node.serve import run

            run(options.settings, options.config, options.host)
        elif options.command == "ship":
            from aigw_node import settings, ship
            from aigw_node.request_log import REQUESTS

            ship.run(settings.load(options.settings), REQUESTS)
        elif options.command == "launched":
            from aigw_node import launch, settings

            launch.run(settings.load(options.settings))
        elif options.command == "prisma-client":
            from aigw_node import prisma_client

            (prisma_client.make if options.action == "make" else prisma_client.record)(options.file)
        elif options.command == "check":
            return _check()
        else:
            from aigw_node import prisma_client, query_engine

            commit = prisma_client.read(options.client)["engine"]
            mirror = options.mirror or query_engine.DEFAULT_MIRROR
            query_engine.fetch(mirror, commit, options.target, options.sha256 or None, options.out)
    except NodeError as error:
        print(f"aigw: {error}", file=log.stream(), flush=True)
        return 1
    return 0


def _check() -> int:
    os.environ["LITELLM_LOCAL_MODEL_COST_MAP"] = "True"  # what is checked needs no network
    from aigw_node.litellm import check, needs

    try:
        check.check()
    except NodeError as error:
        print(f"aigw: {error}", file=log.stream(), flush=True)
        return 2
    print(*(need.name for need in needs.NEEDS), sep="\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
