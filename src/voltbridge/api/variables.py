"""A station's device model: components and variables of 2.x, configuration keys of 1.6, one resource for both."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Query
from pydantic import Field, StrictBool, StrictFloat, StrictInt, StrictStr

from voltbridge.api.context import UsesServices
from voltbridge.api.problems import responses
from voltbridge.api.shapes import NOT_TEXT, Moment, PageOf, PageQuery, RequestBody, Shape, page_of
from voltbridge.api.stations import StationId
from voltbridge.domain import device_model as domain
from voltbridge.domain.configurations import DesiredValue
from voltbridge.domain.device_model import (
    AttributeType,
    DataType,
    Mutability,
    ReadStatus,
    ReportState,
    ValueProblem,
    VariableFilter,
    WriteStatus,
    text_of,
    typed,
)
from voltbridge.domain.errors import InvalidValue
from voltbridge.domain.sequences import missing_sequences

__all__ = [
    "AttributeName",
    "AttributeValue",
    "Characteristics",
    "Component",
    "ComponentName",
    "Number",
    "ReadResult",
    "ReadResults",
    "Report",
    "ReportPage",
    "Text50",
    "ToRead",
    "ToWrite",
    "Typed",
    "Variable",
    "VariableName",
    "VariableOf",
    "VariablePage",
    "VariableQuery",
    "WriteResult",
    "WriteResults",
    "desired_values",
    "list_reports",
    "list_variables",
    "name_of",
    "read_variables",
    "router",
    "show",
    "shown_result",
    "write_variables",
]

router = APIRouter(tags=["variables"])

Text50 = Annotated[str, Field(min_length=1, max_length=50)]
Number = Annotated[int, Field(ge=0, le=2_147_483_647), NOT_TEXT]
Typed = bool | int | float | str | list[str]


class ComponentName(RequestBody):
    """A component of a station."""

    name: Text50 = Field(examples=["OCPPCommCtrlr"])
    instance: Text50 | None = None
    evse_id: Number | None = None
    connector_id: Number | None = None


class VariableName(RequestBody):
    """A variable of a component."""

    name: Text50 = Field(examples=["HeartbeatInterval"])
    instance: Text50 | None = None


class AttributeName(RequestBody):
    """One attribute of a variable. 1.6: `VendorCtrlr` holds the keys that no specification knows."""

    component: ComponentName
    variable: VariableName
    attribute: AttributeType = AttributeType.ACTUAL

    @property
    def named(self) -> domain.Attribute:
        """As the domain's value."""
        component = domain.Component(
            self.component.name, self.component.instance, self.component.evse_id, self.component.connector_id
        )
        return domain.Attribute(domain.Variable(component, self.variable.name, self.variable.instance), self.attribute)


class AttributeValue(AttributeName):
    """A value for an attribute."""

    value: StrictBool | StrictInt | StrictFloat | StrictStr | Annotated[list[StrictStr], Field(max_length=500)] = Field(
        description="Text as it is on the wire, or the value itself: lists as lists.", examples=[300]
    )


class ToRead(RequestBody):
    """What to read from the station."""

    variables: Annotated[list[AttributeName], Field(min_length=1, max_length=1000)]


class ToWrite(RequestBody):
    """What to write to the station."""

    variables: Annotated[list[AttributeValue], Field(min_length=1, max_length=1000)]


class Component(Shape):
    """A component of a station."""

    name: str
    instance: str | None
    evse_id: int | None
    connector_id: int | None


class VariableOf(Shape):
    """A variable of a component."""

    name: str
    instance: str | None


class Characteristics(Shape):
    """What values a variable takes."""

    data_type: DataType
    unit: str | None
    min_limit: float | None
    max_limit: float | None = Field(description="Of a text: how many characters.")
    values: list[str] = Field(description="The values it takes; empty: not told.")
    max_elements: int | None
    supports_monitoring: bool | None


class Variable(Shape):
    """What is known of one attribute of a variable."""

    component: Component
    variable: VariableOf
    attribute: AttributeType
    value: str | None = Field(description="As on the wire; null: not told, or a secret.")
    typed_value: Typed | None = Field(description="The value as its data type has it.")
    mutability: Mutability | None
    persistent: bool | None
    constant: bool | None
    characteristics: Characteristics | None
    updated_at: Moment


class VariablePage(PageOf[Variable]):
    """One page of variables, by component and variable."""


class VariableQuery(PageQuery):
    """Which variables."""

    component: str | None = Field(default=None, max_length=50, description="Name of the component, in any case.")
    variable: str | None = Field(default=None, max_length=50, description="Name of the variable, in any case.")
    evse_id: int | None = Field(default=None, ge=0, le=2_147_483_647)
    attribute: AttributeType | None = None
    mutability: Mutability | None = None


class ReadResult(Shape):
    """What reading one attribute brought."""

    component: Component
    variable: VariableOf
    attribute: AttributeType
    status: ReadStatus
    value: str | None
    reason: str | None


class ReadResults(Shape):
    """One result for each attribute, in the order asked for."""

    results: list[ReadResult]


class WriteResult(Shape):
    """What became of one value."""

    component: Component
    variable: VariableOf
    attribute: AttributeType
    status: WriteStatus
    reason: str | None


class WriteResults(Shape):
    """One result for each value, in the order given."""

    results: list[WriteResult]


class Report(Shape):
    """A report of variables that came, or comes, in parts."""

    request_id: int
    kind: str | None = Field(description="What was asked for; null: nobody asked.", examples=["FullInventory"])
    state: ReportState
    requested_at: Moment
    last_part_at: Moment | None
    parts: str = Field(description="Numbers of the parts that have come.", examples=["0-4,6"])
    missing_parts: list[int] = Field(description="At most 100 of those that have not come though a later one has.")
    last_seq_no: int | None = Field(description="Number of the last part, once it has come.")
    variables: int


class ReportPage(PageOf[Report]):
    """A station's latest reports, newest first, on one page."""


@router.get("/stations/{station_id}/variables", response_model=VariablePage, responses=responses(400, 401, 404, 422))
async def list_variables(
    services: UsesServices, station_id: StationId, query: Annotated[VariableQuery, Query()]
) -> Any:
    """List what the station has told: by reports, by reading and by what it accepted.

    Ask for all with the command `report`.
    """
    wanted = VariableFilter(
        station_id, query.component, query.variable, query.evse_id, query.attribute, query.mutability
    )
    return page_of(await services.variables.list(wanted, query.page), show)


@router.post(
    "/stations/{station_id}/variables/read", response_model=ReadResults, responses=responses(400, 401, 404, 409)
)
async def read_variables(services: UsesServices, station_id: StationId, wanted: ToRead) -> Any:
    """Read variables from the station, in as many messages as it needs."""
    results = await services.variables.read(station_id, [one.named for one in wanted.variables])
    return ReadResults(
        results=[
            ReadResult(**name_of(one.attribute), status=one.status, value=one.value, reason=one.reason)
            for one in results
        ]
    )


@router.patch(
    "/stations/{station_id}/variables", response_model=WriteResults, responses=responses(400, 401, 404, 409, 422)
)
async def write_variables(services: UsesServices, station_id: StationId, wanted: ToWrite) -> Any:
    """Write variables to the station. Each has a result of its own: those that fail change nothing of the others.

    A new password (SecurityCtrlr.BasicAuthPassword; 1.6: AuthorizationKey) counts here too once it is accepted.
    """
    results = await services.variables.write(station_id, desired_values(wanted.variables))
    return WriteResults(results=[shown_result(one) for one in results])


@router.get("/stations/{station_id}/reports", response_model=ReportPage, responses=responses(401, 404))
async def list_reports(services: UsesServices, station_id: StationId) -> Any:
    """The reports that fill the list of variables, and what is missing of them."""
    return {
        "items": [
            Report(
                request_id=report.request_id,
                kind=report.kind,
                state=state,
                requested_at=report.requested_at,
                last_part_at=report.last_part_at,
                parts=report.parts,
                missing_parts=_missing(report),
                last_seq_no=report.last_seq_no,
                variables=report.variables,
            )
            for report, state in await services.variables.reports(station_id)
        ],
        "next": None,
    }


def desired_values(values: list[AttributeValue]) -> list[DesiredValue]:
    """The values as texts. Raises InvalidValue."""
    desired = []
    for index, one in enumerate(values):
        try:
            desired.append(DesiredValue(one.named, text_of(one.value)))
        except ValueProblem as problem:
            raise InvalidValue(f"variables[{index}].value", str(problem)) from None
    return desired


def name_of(attribute: domain.Attribute) -> dict[str, Any]:
    """The fields that name an attribute."""
    variable = attribute.variable
    return {
        "component": Component.model_validate(variable.component),
        "variable": VariableOf(name=variable.name, instance=variable.instance),
        "attribute": attribute.type,
    }


def shown_result(result: domain.WriteResult) -> WriteResult:
    """What became of a value, as the API shows it."""
    return WriteResult(**name_of(result.attribute), status=result.status, reason=result.reason)


def show(one: domain.StationVariable) -> Variable:
    """A variable of the domain as the API shows it."""
    told = one.characteristics
    return Variable(
        **name_of(one.attribute),
        value=one.value,
        typed_value=None if one.value is None else typed(one.value, told),
        mutability=one.mutability,
        persistent=one.persistent,
        constant=one.constant,
        characteristics=None if told is None else Characteristics.model_validate(told),
        updated_at=one.updated_at,
    )


def _missing(report: domain.StationReportParts) -> list[int]:
    gaps = list(missing_sequences(report.parts))
    first = report.parts.partition(",")[0].partition("-")[0]
    if first and int(first) > 0:
        gaps.insert(0, (0, int(first) - 1))
    missing: list[int] = []
    for start, end in gaps:
        missing.extend(range(start, min(end, start + 100) + 1))
    return missing[:100]
