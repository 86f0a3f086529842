"""The commands of provisioning."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from voltbridge.csms.blocks.b_provisioning import v16, v21, v201
from voltbridge.csms.blocks.b_provisioning.device_model import OUTCOME, REPORT_WITHIN_S, DeviceModelService
from voltbridge.csms.blocks.b_provisioning.network_profile import NetworkProfile
from voltbridge.csms.blocks.b_provisioning.reset import Reset
from voltbridge.csms.blocks.b_provisioning.variable_parameters import (
    AttributeValue,
    ReadVariables,
    Report,
    ReportKind,
    WriteVariables,
)
from voltbridge.csms.commands.calling import Calling
from voltbridge.csms.commands.kinds import Answer, CommandKind, CommandRun, Context, answered
from voltbridge.domain.configurations import DesiredValue
from voltbridge.domain.device_model import (
    Attribute,
    ReadResult,
    ValueProblem,
    WriteResult,
)
from voltbridge.domain.errors import InvalidValue
from voltbridge.protocol.versions import Version

__all__ = ["COMMANDS", "desired_values", "shown_attribute"]


def desired_values(values: Sequence[AttributeValue]) -> list[DesiredValue]:
    """The values as texts. Raises InvalidValue."""
    desired = []
    for index, value in enumerate(values):
        try:
            desired.append(value.desired)
        except ValueProblem as problem:
            raise InvalidValue(f"variables[{index}].value", str(problem)) from None
    return desired


def shown_attribute(attribute: Attribute) -> dict[str, Any]:
    """An attribute as JSON values, in the shape of the parameters."""
    variable = attribute.variable
    component = variable.component
    return {
        "component": {
            "name": component.name,
            "instance": component.instance,
            "evse_id": component.evse_id,
            "connector_id": component.connector_id,
        },
        "variable": {"name": variable.name, "instance": variable.instance},
        "attribute": attribute.type.value,
    }


def _check_report(wanted: Report, context: Context) -> None:
    if (wanted.kind is ReportKind.CUSTOM) != bool(wanted.criteria or wanted.variables):
        raise InvalidValue("kind", "Custom and criteria or variables belong together")
    service: DeviceModelService = context.service
    service.words(context.version).report_request(wanted, 0)


async def _report(run: CommandRun) -> Answer:
    """One request; in 2.x the report follows and is the outcome, in 1.6 the answer is the report."""
    service: DeviceModelService = run.context.service
    live = run.context.live
    assert live is not None, "a command runs for a connected station"
    response, count = await service.report(live, run.call, run.parameters, run.context.next_id(), run.expect)
    if count is not None:
        return Answer(True, "Accepted", info={"variables": count})
    return answered(response, frozenset({"Accepted", "EmptyResultSet"}))


async def _read(run: CommandRun) -> Answer:
    service: DeviceModelService = run.context.service
    live = run.context.live
    assert live is not None, "a command runs for a connected station"
    calling = Calling(run)
    results = await service.read_by(live, calling.call, [one.named for one in run.parameters.variables])
    calling.check([one.status.value for one in results])
    shown = [{**shown_attribute(one.attribute), **_outcome(one), "value": one.value} for one in results]
    return _answer([one.status.value for one in results], shown, "Accepted")


def _check_write(wanted: WriteVariables, context: Context) -> None:
    desired_values(wanted.variables)


async def _write(run: CommandRun) -> Answer:
    service: DeviceModelService = run.context.service
    live = run.context.live
    assert live is not None, "a command runs for a connected station"
    calling = Calling(run)
    results = await service.write_by(live, calling.call, desired_values(run.parameters.variables))
    calling.check([one.status.value for one in results])
    shown = [{**shown_attribute(one.attribute), **_outcome(one)} for one in results]
    return _answer([one.status.value for one in results], shown, "Accepted", "RebootRequired")


def _outcome(result: ReadResult | WriteResult) -> dict[str, Any]:
    return {"status": result.status.value, "reason": result.reason}


def _answer(statuses: Sequence[str], shown: list[dict[str, Any]], *good: str) -> Answer:
    """Accepted when every attribute was; the status is the first that was not."""
    bad = [status for status in statuses if status not in good]
    reason = f"{len(bad)} of {len(statuses)} were not accepted" if bad else None
    worst = bad[0] if bad else max(statuses, key=good.index)
    return Answer(not bad, worst, reason, {"results": shown})


COMMANDS: Final = (
    CommandKind(
        name="reset",
        about="Restart the station, or one EVSE; the outcome of the former is the boot.",
        parameters=Reset,
        builders={Version.V16: v16.reset, Version.V201: v201.reset, Version.V21: v21.reset},
        outcome="boot",
    ),
    CommandKind(
        name="report",
        about="Have the station tell its device model; the outcome is the complete report.",
        parameters=Report,
        run=_report,
        check=_check_report,
        service="variables",
        outcome=OUTCOME,
        outcome_within_s=REPORT_WITHIN_S,
    ),
    CommandKind(
        name="read_variables",
        about="Read variables (1.6: configuration keys) from the station.",
        parameters=ReadVariables,
        run=_read,
        service="variables",
    ),
    CommandKind(
        name="write_variables",
        about="Write variables (1.6: configuration keys) to the station.",
        parameters=WriteVariables,
        run=_write,
        check=_check_write,
        service="variables",
    ),
    CommandKind(
        name="set_network_profile",
        about="Set one of the ways in which the station can connect.",
        parameters=NetworkProfile,
        builders={Version.V201: v201.set_network_profile, Version.V21: v21.set_network_profile},
        instead="where the vendor has configuration keys for it, such as NetworkConnectionProfile1, write those as "
        "variables of the component VendorCtrlr",
    ),
)
