"""The commands of monitoring and of customer information."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from voltbridge.csms.blocks.n_diagnostics.customer_information import OUTCOME, CustomerInformationService
from voltbridge.csms.blocks.n_diagnostics.customer_parameters import CustomerInformation
from voltbridge.csms.blocks.n_diagnostics.monitoring import REPORT, MonitoringService
from voltbridge.csms.blocks.n_diagnostics.monitoring_parameters import (
    ClearVariableMonitoring,
    GetMonitoringReport,
    SetMonitoringBase,
    SetMonitoringLevel,
    SetVariableMonitoring,
)
from voltbridge.csms.commands.calling import Calling
from voltbridge.csms.commands.kinds import Answer, CommandKind, CommandRun, Context, answered
from voltbridge.domain.errors import NotFound
from voltbridge.domain.monitoring import WantedMonitor
from voltbridge.domain.stations import LiveStation
from voltbridge.protocol.versions import Version

__all__ = ["COMMANDS", "shown_monitor"]

_WITHIN_S: Final = 600.0
"""For the parts of a report to come."""
_TWO: Final = (Version.V201, Version.V21)
_INSTEAD: Final = "its stations tell errors of connectors by themselves, which become alerts"


def shown_monitor(wanted: WantedMonitor) -> dict[str, Any]:
    """A monitor as JSON values, in the shape of the parameters."""
    component = wanted.variable.component
    return {
        "component": {
            "name": component.name,
            "instance": component.instance,
            "evse_id": component.evse_id,
            "connector_id": component.connector_id,
        },
        "variable": {"name": wanted.variable.name, "instance": wanted.variable.instance},
        "type": wanted.type.value,
        "value": wanted.value,
        "severity": wanted.severity,
        "transaction": wanted.transaction,
    }


def _check_base(wanted: SetMonitoringBase, context: Context) -> None:
    context.service.words(context.version).base_request(wanted.base)


async def _set_base(run: CommandRun) -> Answer:
    wanted: SetMonitoringBase = run.parameters
    service: MonitoringService = run.context.service
    answer = answered(await run.call(service.words(run.context.version).base_request(wanted.base)))
    if answer.accepted:
        await service.base_set(run.context.station_id, wanted.base)
    return answer


def _check_level(wanted: SetMonitoringLevel, context: Context) -> None:
    context.service.words(context.version).level_request(wanted.severity)


async def _set_level(run: CommandRun) -> Answer:
    wanted: SetMonitoringLevel = run.parameters
    service: MonitoringService = run.context.service
    answer = answered(await run.call(service.words(run.context.version).level_request(wanted.severity)))
    if answer.accepted:
        await service.level_set(run.context.station_id, wanted.severity)
    return answer


def _monitors(wanted: SetVariableMonitoring) -> list[WantedMonitor]:
    return [one.wanted(f"monitors[{index}]") for index, one in enumerate(wanted.monitors)]


def _check_set(wanted: SetVariableMonitoring, context: Context) -> None:
    context.service.words(context.version).set_request(_monitors(wanted))


async def _set(run: CommandRun) -> Answer:
    service: MonitoringService = run.context.service
    calling = Calling(run)
    results = await service.set_by(_live(run), calling.call, _monitors(run.parameters))
    calling.check([one.status.value for one in results])
    shown = [
        {**shown_monitor(one.wanted), "id": one.id, "status": one.status.value, "reason": one.reason} for one in results
    ]
    return _answer([one.status.value for one in results], shown)


def _check_clear(wanted: ClearVariableMonitoring, context: Context) -> None:
    context.service.words(context.version).clear_request(wanted.ids)


async def _clear(run: CommandRun) -> Answer:
    service: MonitoringService = run.context.service
    calling = Calling(run)
    results = await service.clear_by(_live(run), calling.call, run.parameters.ids)
    calling.check([one.status.value for one in results])
    shown = [{"id": one.id, "status": one.status.value, "reason": one.reason} for one in results]
    return _answer([one.status.value for one in results], shown)


def _check_report(wanted: GetMonitoringReport, context: Context) -> None:
    context.service.words(context.version).report_request(wanted, 0)


async def _report(run: CommandRun) -> Answer:
    service: MonitoringService = run.context.service
    response = await service.report(_live(run), run.call, run.parameters, run.context.next_id(), run.expect)
    return answered(response, frozenset({"Accepted", "EmptyResultSet"}))


def _check_customer(wanted: CustomerInformation, context: Context) -> None:
    context.service.request(context.version, wanted, 0)


async def _customer(run: CommandRun) -> Answer:
    service: CustomerInformationService = run.context.service
    request_id = run.context.next_id()
    answer = answered(await service.ask(_live(run), run.call, run.parameters, request_id, run.expect))
    return Answer(answer.accepted, answer.status, answer.reason, {"request_id": request_id})


def _live(run: CommandRun) -> LiveStation:
    if run.context.live is None:
        raise NotFound("connection to", run.context.station_id)
    return run.context.live


def _answer(statuses: Sequence[str], shown: list[dict[str, Any]]) -> Answer:
    """Accepted when every monitor was; the status is the first that was not."""
    bad = [status for status in statuses if status != "Accepted"]
    reason = f"{len(bad)} of {len(statuses)} were not accepted" if bad else None
    return Answer(not bad, bad[0] if bad else "Accepted", reason, {"results": shown})


COMMANDS: Final = (
    CommandKind(
        name="set_monitoring_base",
        about="Choose which monitors are in force: all, those of the factory, or the hard-wired ones only.",
        parameters=SetMonitoringBase,
        run=_set_base,
        check=_check_base,
        service="monitoring",
        versions=_TWO,
        instead=_INSTEAD,
    ),
    CommandKind(
        name="set_monitoring_level",
        about="Have the station tell only of events that are this severe, or more.",
        parameters=SetMonitoringLevel,
        run=_set_level,
        check=_check_level,
        service="monitoring",
        versions=_TWO,
        instead=_INSTEAD,
    ),
    CommandKind(
        name="set_variable_monitoring",
        about="Set monitors on variables, or replace monitors by their numbers; each has a result of its own.",
        parameters=SetVariableMonitoring,
        run=_set,
        check=_check_set,
        service="monitoring",
        versions=_TWO,
        instead=_INSTEAD,
    ),
    CommandKind(
        name="clear_variable_monitoring",
        about="Clear monitors by their numbers; each has a result of its own.",
        parameters=ClearVariableMonitoring,
        run=_clear,
        check=_check_clear,
        service="monitoring",
        versions=_TWO,
        instead=_INSTEAD,
    ),
    CommandKind(
        name="get_monitoring_report",
        about="Have the station report its monitors; the outcome is the complete report, the list is put right.",
        parameters=GetMonitoringReport,
        run=_report,
        check=_check_report,
        service="monitoring",
        versions=_TWO,
        instead=_INSTEAD,
        outcome=REPORT,
        outcome_within_s=_WITHIN_S,
    ),
    CommandKind(
        name="customer_information",
        about="Have the station tell what it knows of a customer, forget it, or both; what it tells is read apart.",
        parameters=CustomerInformation,
        run=_customer,
        check=_check_customer,
        service="customer_information",
        versions=_TWO,
        outcome=OUTCOME,
        outcome_within_s=_WITHIN_S,
    ),
)
