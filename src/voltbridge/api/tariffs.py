"""Tariffs: what charging costs, and for whom and where each is."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import time
from decimal import Decimal
from typing import Annotated, Any, Final

from fastapi import APIRouter, Path, Response
from pydantic import Field

from voltbridge.api.context import UsesServices
from voltbridge.api.problems import responses
from voltbridge.api.shapes import NOT_TEXT, PATTERN_WORDS, Flag, PageOf, RequestBody, number_of
from voltbridge.api.transactions import TransactionId
from voltbridge.domain import prices as domain_prices
from voltbridge.domain import tariffs as domain
from voltbridge.domain.display_messages import MessageFormat
from voltbridge.domain.errors import NotFound
from voltbridge.domain.prices import Weekday

__all__ = [
    "Amount",
    "Assignment",
    "AssignmentBody",
    "AssignmentId",
    "AssignmentPage",
    "Element",
    "Price",
    "Restrictions",
    "Tariff",
    "TariffBody",
    "TariffId",
    "TariffPage",
    "TariffText",
    "router",
]

router = APIRouter(tags=["tariffs"])

_NAME: Final = "^[A-Za-z0-9][A-Za-z0-9._-]*$"
_Name = Annotated[str, Field(pattern=_NAME, max_length=64)]
TariffId = Annotated[str, Path(pattern=_NAME, max_length=64, description="The tariff's id.", examples=["day"])]
AssignmentId = Annotated[str, Path(pattern=_NAME, max_length=64, description="The assignment's id.", examples=["all"])]

_AMOUNT: Final = r"^[0-9]{1,7}(\.[0-9]{1,6})?$"
_PERCENT: Final = r"^[0-9]{1,3}(\.[0-9]{1,4})?$"
_CLOCK: Final = "^([01][0-9]|2[0-3]):[0-5][0-9](:[0-5][0-9])?$"
PATTERN_WORDS[_AMOUNT] = "must be an amount as a text, such as 0.35, with at most six decimal places"
PATTERN_WORDS[_PERCENT] = "must be a percentage as a text, such as 21 or 7.7"
PATTERN_WORDS[_CLOCK] = "must be a time of day, such as 22:00"

Amount = Annotated[str, Field(pattern=_AMOUNT, examples=["0.35"])]
"""An amount in the tariff's currency, without tax unless said otherwise: a text, so that nothing rounds it."""
_Percent = Annotated[str, Field(pattern=_PERCENT, examples=["21"])]
_Clock = Annotated[str, Field(pattern=_CLOCK, examples=["22:00"])]


_Identifier = Annotated[str, Field(min_length=1, max_length=255)]


class Restrictions(RequestBody):
    """When it holds, by the clock of the tariff's time zone. An end at or before the start is on the next day."""

    weekdays: list[Weekday] = Field(default=[], max_length=7, description="Of the start; none: every day.")
    start: _Clock | None = Field(default=None, description="Null: midnight.")
    end: _Clock | None = Field(default=None, description="No longer within; null: midnight.")


class Price(RequestBody):
    """A price without tax."""

    amount: Amount = Field(description="Of a kWh, of a minute, or of the start.")
    restrictions: Restrictions = Field(default=Restrictions(), description="Nothing restricted: always.")


class Element(RequestBody):
    """One part of the cost. Of its prices the first that holds counts; where none does, it is free."""

    prices: list[Price] = Field(default=[], max_length=50)
    tax_percent: _Percent | None = Field(default=None, description="Null: the tariff's.")


class TariffText(RequestBody):
    """What a driver is shown of the tariff. Of the texts of a language the first that holds counts."""

    content: str = Field(min_length=1, max_length=512, examples=["0.42 EUR/kWh, 0.10 EUR/min when idle"])
    language: str | None = Field(default=None, max_length=8, description="A tag of RFC 5646.", examples=["en"])
    format: MessageFormat = MessageFormat.UTF8
    restrictions: Restrictions = Restrictions()


class TariffBody(RequestBody):
    """What charging costs."""

    currency: str = Field(min_length=3, max_length=3, description="ISO 4217.", examples=["EUR"])
    time_zone: str = Field(default="UTC", max_length=64, examples=["Europe/Amsterdam"])
    tax_percent: _Percent = "0"
    energy: Element = Field(default=Element(), description="Per kWh.")
    charging_time: Element = Field(default=Element(), description="Per minute of charging.")
    idle_time: Element = Field(default=Element(), description="Per minute connected and not charging.")
    start_fee: Element = Field(default=Element(), description="Once.")
    idle_grace_minutes: Annotated[int, Field(ge=0, le=1440), NOT_TEXT] = Field(
        default=0, description="So much of every stretch of idle time is free."
    )
    idle_when_suspended_by_station: Flag = Field(
        default=False, description="Whether time in which the station withholds energy counts as idle."
    )
    min_price: Amount | None = Field(default=None, description="With tax; what a transaction costs at least.")
    max_price: Amount | None = Field(default=None, description="With tax; what a transaction costs at most.")
    texts: list[TariffText] = Field(default=[], max_length=50)
    cost_in_responses: Flag = Field(
        default=True, description="Tell the running cost in responses to transaction events (2.0.1 and newer)."
    )
    cost_update_interval_s: Annotated[int, Field(ge=1, le=86_400), NOT_TEXT] | None = Field(
        default=None, description="How often CostUpdated tells a running cost that has changed; null: never."
    )


class Tariff(TariffBody):
    """A tariff."""

    id: str = Field(examples=["day"])


class TariffPage(PageOf[Tariff]):
    """All tariffs, on one page."""


class AssignmentBody(RequestBody):
    """For whom and where a tariff is. A token goes before its group, one station before several, both before all."""

    tariff_id: _Name = Field(examples=["day"])
    station_ids: list[_Identifier] = Field(default=[], max_length=5000, description="None: everywhere.")
    id_tokens: list[_Identifier] = Field(
        default=[], max_length=5000, description="Without regard to case. No token and no group: everybody."
    )
    group_id_tokens: list[_Identifier] = Field(default=[], max_length=5000)
    note: str | None = Field(default=None, max_length=500)


class Assignment(AssignmentBody):
    """For whom and where a tariff is."""

    id: str = Field(examples=["all"])


class AssignmentPage(PageOf[Assignment]):
    """All assignments, on one page."""


@router.get("/tariffs", response_model=TariffPage, responses=responses(401))
async def list_tariffs(services: UsesServices) -> Any:
    """List the tariffs."""
    return {"items": [_show(tariff) for tariff in services.tariffs.tariffs()], "next": None}


@router.get("/tariffs/{tariff_id}", response_model=Tariff, responses=responses(400, 401, 404))
async def get_tariff(services: UsesServices, tariff_id: TariffId) -> Any:
    """One tariff."""
    return _show(services.tariffs.get(tariff_id))


@router.put(
    "/tariffs/{tariff_id}",
    response_model=Tariff,
    responses={201: {"model": Tariff, "description": "The tariff was added."}, **responses(400, 401, 422)},
)
async def put_tariff(services: UsesServices, tariff_id: TariffId, body: TariffBody, response: Response) -> Any:
    """Add a tariff (201) or change it (200). Transactions that run keep the one they started with."""
    tariff = _tariff(tariff_id, body)
    if await services.tariffs.put(tariff):
        response.status_code = 201
        response.headers["Location"] = f"/api/v1/tariffs/{tariff_id}"
    return _show(tariff)


@router.delete(
    "/tariffs/{tariff_id}", status_code=204, response_class=Response, responses=responses(400, 401, 404, 409)
)
async def delete_tariff(services: UsesServices, tariff_id: TariffId) -> None:
    """Forget a tariff that is not assigned. Transactions keep theirs."""
    await services.tariffs.delete(tariff_id)


@router.get("/transactions/{id}/tariff", response_model=Tariff, responses=responses(400, 401, 404))
async def get_transaction_tariff(services: UsesServices, id: TransactionId) -> Any:
    """The tariff of a transaction as it was when that started, whatever became of it since."""
    tariff = (await services.transactions.get(number_of(id))).tariff
    if tariff is None:
        raise NotFound("tariff of transaction", id)
    return _show(tariff)


@router.get("/tariff-assignments", response_model=AssignmentPage, responses=responses(401))
async def list_tariff_assignments(services: UsesServices) -> Any:
    """List the assignments."""
    return {"items": [_show_assignment(one) for one in services.tariffs.assignments()], "next": None}


@router.get("/tariff-assignments/{assignment_id}", response_model=Assignment, responses=responses(400, 401, 404))
async def get_tariff_assignment(services: UsesServices, assignment_id: AssignmentId) -> Any:
    """One assignment."""
    return _show_assignment(services.tariffs.assignment(assignment_id))


@router.put(
    "/tariff-assignments/{assignment_id}",
    response_model=Assignment,
    responses={201: {"model": Assignment, "description": "It was added."}, **responses(400, 401, 422)},
)
async def put_tariff_assignment(
    services: UsesServices, assignment_id: AssignmentId, body: AssignmentBody, response: Response
) -> Any:
    """Say for whom and where a tariff is: for transactions that start from now on."""
    assignment = domain.TariffAssignment(
        id=assignment_id,
        tariff_id=body.tariff_id,
        station_ids=tuple(body.station_ids),
        id_tokens=tuple(body.id_tokens),
        group_id_tokens=tuple(body.group_id_tokens),
        note=body.note,
    )
    if await services.tariffs.assign(assignment):
        response.status_code = 201
        response.headers["Location"] = f"/api/v1/tariff-assignments/{assignment_id}"
    return _show_assignment(assignment)


@router.delete(
    "/tariff-assignments/{assignment_id}",
    status_code=204,
    response_class=Response,
    responses=responses(400, 401, 404),
)
async def delete_tariff_assignment(services: UsesServices, assignment_id: AssignmentId) -> None:
    """Withdraw an assignment: for transactions that start from now on."""
    await services.tariffs.withdraw(assignment_id)


def _tariff(id: str, body: TariffBody) -> domain.Tariff:
    return domain.Tariff(
        id=id,
        currency=body.currency,
        time_zone=body.time_zone,
        tax_percent=Decimal(body.tax_percent),
        energy=_element(body.energy),
        charging_time=_element(body.charging_time),
        idle_time=_element(body.idle_time),
        start_fee=_element(body.start_fee),
        idle_grace_minutes=body.idle_grace_minutes,
        idle_when_suspended_by_station=body.idle_when_suspended_by_station,
        min_price=None if body.min_price is None else Decimal(body.min_price),
        max_price=None if body.max_price is None else Decimal(body.max_price),
        texts=tuple(
            domain.TariffText(text.content, text.language, text.format, _restrictions(text.restrictions))
            for text in body.texts
        ),
        cost_in_responses=body.cost_in_responses,
        cost_update_interval_s=body.cost_update_interval_s,
    )


def _element(body: Element) -> domain.TariffElement:
    prices = tuple(domain_prices.Price(Decimal(one.amount), _restrictions(one.restrictions)) for one in body.prices)
    return domain.TariffElement(prices, None if body.tax_percent is None else Decimal(body.tax_percent))


def _restrictions(body: Restrictions) -> domain_prices.Restrictions:
    return domain_prices.Restrictions(tuple(body.weekdays), _clock(body.start), _clock(body.end))


def _clock(text: str | None) -> time | None:
    return None if text is None else time.fromisoformat(text)


def _show(tariff: domain.Tariff) -> Tariff:
    return Tariff(
        id=tariff.id,
        currency=tariff.currency,
        time_zone=tariff.time_zone,
        tax_percent=str(tariff.tax_percent),
        energy=_show_element(tariff.energy),
        charging_time=_show_element(tariff.charging_time),
        idle_time=_show_element(tariff.idle_time),
        start_fee=_show_element(tariff.start_fee),
        idle_grace_minutes=tariff.idle_grace_minutes,
        idle_when_suspended_by_station=tariff.idle_when_suspended_by_station,
        min_price=None if tariff.min_price is None else str(tariff.min_price),
        max_price=None if tariff.max_price is None else str(tariff.max_price),
        texts=[
            TariffText(
                content=text.content,
                language=text.language,
                format=text.format,
                restrictions=_show_restrictions(text.restrictions),
            )
            for text in tariff.texts
        ],
        cost_in_responses=tariff.cost_in_responses,
        cost_update_interval_s=tariff.cost_update_interval_s,
    )


def _show_element(element: domain.TariffElement) -> Element:
    return Element(
        prices=_show_prices(element.prices),
        tax_percent=None if element.tax_percent is None else str(element.tax_percent),
    )


def _show_prices(prices: Sequence[domain_prices.Price]) -> list[Price]:
    return [Price(amount=str(one.amount), restrictions=_show_restrictions(one.restrictions)) for one in prices]


def _show_restrictions(restrictions: domain_prices.Restrictions) -> Restrictions:
    return Restrictions(
        weekdays=list(restrictions.weekdays),
        start=None if restrictions.start is None else restrictions.start.isoformat(),
        end=None if restrictions.end is None else restrictions.end.isoformat(),
    )


def _show_assignment(assignment: domain.TariffAssignment) -> Assignment:
    return Assignment(
        id=assignment.id,
        tariff_id=assignment.tariff_id,
        station_ids=list(assignment.station_ids),
        id_tokens=list(assignment.id_tokens),
        group_id_tokens=list(assignment.group_id_tokens),
        note=assignment.note,
    )
