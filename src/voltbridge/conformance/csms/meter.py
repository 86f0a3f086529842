"""Meter values of the simulated station, plain and signed."""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from datetime import datetime, timedelta
from functools import cache
from typing import Any, Final

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from voltbridge.protocol.datetimes import DateTime

__all__ = ["meter_value", "meter_values_to_the_end"]

_MEASURAND: Final = "Energy.Active.Import.Register"


def meter_value(moment: datetime, context: str, energy_wh: float, *, signed: bool = False) -> dict[str, Any]:
    """A MeterValueType with one reading of the energy register, signed on demand."""
    sampled: dict[str, Any] = {
        "value": energy_wh,
        "context": context,
        "measurand": _MEASURAND,
        "unitOfMeasure": {"unit": "Wh"},
    }
    if signed:
        sampled["signedMeterValue"] = _signed(moment, context, energy_wh)
    return {"timestamp": str(DateTime.of(moment)), "sampledValue": [sampled]}


def meter_values_to_the_end(
    end: datetime, interval_s: float, count: int, context: str, *, signed: bool = False
) -> list[dict[str, Any]]:
    """What a transaction's last message carries: ``count`` readings in the context, then the last."""
    step = timedelta(seconds=interval_s)
    values = [
        meter_value(end - (count - index) * step, context, 100.0 * index, signed=signed) for index in range(count)
    ]
    return [*values, meter_value(end, "Transaction.End", 100.0 * count, signed=signed)]


@cache
def _key() -> ec.EllipticCurvePrivateKey:
    return ec.generate_private_key(ec.SECP256R1())


def _signed(moment: datetime, context: str, energy_wh: float) -> Mapping[str, str]:
    """A SignedMeterValueType that verifies: OCMF with ECDSA over secp256r1 and SHA-256."""
    reading = {
        "TM": moment.strftime("%Y-%m-%dT%H:%M:%S,000+0000 S"),
        "TX": {"Transaction.Begin": "B", "Transaction.End": "E"}.get(context, "C"),
        "RV": energy_wh / 1000,
        "RI": "1-0:1.8.0",
        "RU": "kWh",
        "ST": "G",
    }
    data = json.dumps({"FV": "1.0", "GI": "Voltbridge", "PG": "T1", "RD": [reading]}, separators=(",", ":"))
    signature = json.dumps({"SA": "ECDSA-secp256r1-SHA256", "SD": _key().sign(data.encode(), ec.ECDSA(SHA256())).hex()})
    public = _key().public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    return {
        "signedMeterData": base64.b64encode(f"OCMF|{data}|{signature}".encode()).decode(),
        # Empty because the OCMF says it already (Signed meter values in OCPP, 4.2).
        "signingMethod": "",
        "encodingMethod": "OCMF",
        "publicKey": base64.b64encode(f"oca:base16:asn1:{public.hex()}".encode()).decode(),
    }
