"""Puts the front together."""

from __future__ import annotations

from aigw_node.asgi import App
from aigw_node.front.admin import AdminPort
from aigw_node.front.app import AgentPort, Front
from aigw_node.front.body import MIB, Bodies
from aigw_node.front.catalogue import Catalogue
from aigw_node.front.exchange import Exchange
from aigw_node.front.parameters import Parameters
from aigw_node.front.refusal import Refusal, Refused
from aigw_node.front.response_ids import ResponseIds
from aigw_node.front.routes import RouteTable
from aigw_node.front.waiting import WaitingRoom
from aigw_node.ledger.estimate import Asked
from aigw_node.limits import Limits
from aigw_node.litellm import models
from aigw_node.request_log import RequestLog
from aigw_node.request_record import Recorder
from aigw_node.settings import Settings


def build(
    app: App,
    settings: Settings,
    catalogue: Catalogue,
    *,
    limits: Limits,
    recorder: Recorder,
    log: RequestLog,
    salt_key: str,
) -> Front:
    def tell(exchange: Exchange, refusal: Refusal) -> None:
        log.write(recorder.refused(exchange, refusal))

    async def charge(exchange: Exchange) -> None:
        try:
            await limits.admit(exchange.caller.metadata, exchange.call, Asked(exchange.model or "", exchange.route.name, {}))
        except Exception:
            if exchange.refusal is None:
                raise
            raise Refused(exchange.refusal) from None
        await limits.settle(exchange.call, None, 0, 0)

    agents = AgentPort(
        app,
        RouteTable(settings.routes["agents"]),
        catalogue,
        Parameters(settings.extra_parameters, settings.opened_ids, models.own_parameters()),
        bodies=Bodies(settings.max_request_mib * MIB),
        room=WaitingRoom(settings.max_waiting),
        ids=ResponseIds(salt_key),
        default_model=settings.default_model,
        charge=charge,
        tell=tell,
    )
    return Front(app, agents=agents, admin=AdminPort(app, settings.routes["admin"]), ports=settings.ports)
