"""Signed meter values of a transaction, each with what its signature is worth."""

from __future__ import annotations

from typing import Protocol

from pydantic import Field

from voltbridge.api.shapes import Moment, PageOf, PageQuery, Shape
from voltbridge.domain.errors import InvalidValue
from voltbridge.domain.metering import MeterValue
from voltbridge.domain.ocmf import SignatureVerdict, signed_reading, usable_key, verify
from voltbridge.domain.paging import Page, PageRequest

__all__ = ["Samples", "SignedValue", "SignedValuePage", "SignedValueQuery", "signed_values"]


class SignedValueQuery(PageQuery):
    """Which page, and the key."""

    public_key: str | None = Field(
        default=None,
        max_length=2500,
        description="The meter's public key: PEM, or DER in hexadecimal digits or Base64; else one that came along.",
    )


class SignedValue(Shape):
    """One signed value."""

    at: Moment
    context: str = Field(examples=["Transaction.End"])
    measurand: str = Field(examples=["Energy.Active.Import.Register"])
    value: float | None = Field(description="What the station told beside it, in `unit`.")
    unit: str | None
    verdict: SignatureVerdict = Field(
        description="Unsupported: not OCMF, or signed by a method that is not known here. NoKey: no key is known."
    )
    key_told_by_station: bool = Field(description="Whether the key came from the station itself.")
    data: str = Field(description="`OCMF|...` where it could be unpacked, else as it came.")


class SignedValuePage(PageOf[SignedValue]):
    """One page of signed values, oldest first."""


class Samples(Protocol):
    """Where meter values come from."""

    async def samples(self, id: int, page: PageRequest) -> Page[MeterValue]:
        """Meter values of a transaction, oldest first. Raises NotFound and InvalidCursor."""


async def signed_values(book: Samples, id: int, query: SignedValueQuery) -> SignedValuePage:
    """One page. Raises NotFound, InvalidCursor, and InvalidValue for a key that is none."""
    if query.public_key is not None and not usable_key(query.public_key):
        raise InvalidValue(
            "public_key", "is no public key of an elliptic curve in PEM, or DER in hexadecimal digits or Base64"
        )
    page = await book.samples(id, query.page)
    found = [
        (sample.at, value, signed_reading(value.signed))
        for sample in page.items
        for value in sample.values
        if value.signed is not None
    ]
    told = next((reading.public_key for _, _, reading in found if reading.public_key), None)
    items = []
    for at, value, reading in found:
        key = query.public_key or reading.public_key or told
        items.append(
            SignedValue(
                at=at,
                context=value.context,
                measurand=value.measurand,
                value=value.value,
                unit=value.unit,
                verdict=verify(reading, key),
                key_told_by_station=query.public_key is None and key is not None,
                data=reading.text,
            )
        )
    return SignedValuePage(items=items, next=page.next)
