"""Desired configurations: what stations should be set to, how far they are from it, and bringing them there."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Path, Response
from pydantic import Field

from voltbridge.api.context import UsesServices
from voltbridge.api.problems import responses
from voltbridge.api.shapes import NOT_TEXT, PATTERN_WORDS, Moment, PageOf, RequestBody, Shape
from voltbridge.api.stations import StationId
from voltbridge.api.variables import AttributeValue, Component, VariableOf, WriteResult, desired_values, name_of
from voltbridge.api.variables import shown_result as _result
from voltbridge.domain import configurations as domain
from voltbridge.domain.configurations import DriftState
from voltbridge.domain.device_model import AttributeType

__all__ = [
    "Configuration",
    "ConfigurationPage",
    "DesiredValue",
    "Drift",
    "DriftPage",
    "Make",
    "Name",
    "NewConfiguration",
    "Repair",
    "delete_configuration",
    "get_configuration",
    "list_configurations",
    "list_drift",
    "put_configuration",
    "repair_drift",
    "router",
]

router = APIRouter(tags=["configurations"])

_NAME = "^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$"
PATTERN_WORDS[_NAME] = "must be 1 to 100 letters, digits, dots, dashes or underscores, beginning with a letter or digit"
Name = Annotated[str, Path(description="A name of your own.", pattern=_NAME, examples=["car-park"])]
Make = Annotated[str, Field(min_length=1, max_length=50)]


class NewConfiguration(RequestBody):
    """What stations should be set to. Without `station_ids`, `vendor` and `model` it is for all."""

    variables: Annotated[list[AttributeValue], Field(min_length=1, max_length=500)]
    station_ids: list[Annotated[str, Field(min_length=1, max_length=48)]] = Field(default=[], max_length=10_000)
    vendor: Make | None = Field(default=None, description="Only stations of this vendor.")
    model: Make | None = Field(default=None, description="Only stations of this model.")
    priority: Annotated[int, Field(ge=-1000, le=1000), NOT_TEXT] = Field(
        default=0, description="Of two configurations for one variable the higher wins."
    )


class DesiredValue(Shape):
    """What an attribute should be."""

    component: Component
    variable: VariableOf
    attribute: AttributeType
    value: str


class Configuration(Shape):
    """What some stations should be set to."""

    name: str
    variables: list[DesiredValue]
    station_ids: list[str]
    vendor: str | None
    model: str | None
    priority: int
    updated_at: Moment


class ConfigurationPage(PageOf[Configuration]):
    """All configurations, on one page."""


class Drift(Shape):
    """A desired value beside the one the station last told."""

    component: Component
    variable: VariableOf
    attribute: AttributeType
    desired: str
    actual: str | None
    state: DriftState
    configuration: str = Field(description="The configuration that wants it.")


class DriftPage(PageOf[Drift]):
    """All desired values of a station, on one page."""


class Repair(Shape):
    """What was found on the station, and what was written."""

    drifts: list[Drift]
    results: list[WriteResult]


@router.get("/configurations", response_model=ConfigurationPage, responses=responses(401))
async def list_configurations(services: UsesServices) -> Any:
    """List the configurations, by name."""
    return {"items": [_shown(one) for one in await services.configurations.list()], "next": None}


@router.get("/configurations/{name}", response_model=Configuration, responses=responses(400, 401, 404))
async def get_configuration(services: UsesServices, name: Name) -> Any:
    """One configuration."""
    return _shown(await services.configurations.get(name))


@router.put(
    "/configurations/{name}",
    response_model=Configuration,
    responses={201: {"model": Configuration, "description": "Added"}, **responses(400, 401, 422)},
)
async def put_configuration(services: UsesServices, response: Response, name: Name, new: NewConfiguration) -> Any:
    """Add or replace a configuration. Stations get it with their next boot, or when they are repaired."""
    configuration, added = await services.configurations.put(
        name,
        desired_values(new.variables),
        station_ids=new.station_ids,
        vendor=new.vendor,
        model=new.model,
        priority=new.priority,
    )
    response.status_code = 201 if added else 200
    return _shown(configuration)


@router.delete("/configurations/{name}", status_code=204, response_class=Response, responses=responses(400, 401, 404))
async def delete_configuration(services: UsesServices, name: Name) -> None:
    """Forget a configuration. Stations keep what they have."""
    await services.configurations.delete(name)


@router.get("/stations/{station_id}/drift", response_model=DriftPage, responses=responses(401, 404))
async def list_drift(services: UsesServices, station_id: StationId) -> Any:
    """The desired values of a station beside those it last told."""
    return {"items": [_drift(one) for one in await services.configurations.drift(station_id)], "next": None}


@router.post("/stations/{station_id}/drift/repair", response_model=Repair, responses=responses(401, 404, 409))
async def repair_drift(services: UsesServices, station_id: StationId) -> Any:
    """Read the desired values from the station now, and write those that differ."""
    done = await services.configurations.repair(station_id)
    return Repair(drifts=[_drift(one) for one in done.drifts], results=[_result(one) for one in done.results])


def _shown(one: domain.Configuration) -> Configuration:
    return Configuration(
        name=one.name,
        variables=[DesiredValue(**name_of(value.attribute), value=value.value) for value in one.values],
        station_ids=list(one.station_ids),
        vendor=one.vendor,
        model=one.model,
        priority=one.priority,
        updated_at=one.updated_at,
    )


def _drift(one: domain.Drift) -> Drift:
    return Drift(
        **name_of(one.attribute),
        desired=one.desired,
        actual=one.actual,
        state=one.state,
        configuration=one.configuration,
    )
