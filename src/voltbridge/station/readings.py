"""What meters say, free of versions: single readings, and those taken together at one moment."""

from __future__ import annotations

from datetime import datetime

import msgspec

__all__ = ["MeterReading", "Reading", "SignedReading"]


class SignedReading(msgspec.Struct, frozen=True, omit_defaults=True):
    """A reading as the meter signed it; nothing of it is ever changed on its way."""

    data: str
    """The signed data, such as an OCMF text."""
    signing_method: str = ""
    """Such as ``ECDSA-secp256r1-SHA256``; empty when the data tells it."""
    encoding_method: str = "OCMF"
    public_key: str = ""
    """As printed on the meter: an ASN.1 structure in hexadecimal digits."""


class Reading(msgspec.Struct, frozen=True, omit_defaults=True):
    """One value of a meter, in base units: Wh, varh, W, var, VA, A, V, Hz, Percent, Celsius.

    Measurand, phase and location are the names of OCPP 2.x.
    """

    value: float
    measurand: str = "Energy.Active.Import.Register"
    phase: str | None = None
    location: str = "Outlet"
    unit: str = "Wh"
    signed: SignedReading | None = None


class MeterReading(msgspec.Struct, frozen=True, omit_defaults=True):
    """Readings taken at one moment; ``context`` tells why (ReadingContext of OCPP 2.x)."""

    at: datetime
    readings: tuple[Reading, ...]
    context: str = "Sample.Periodic"
