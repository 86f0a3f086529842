"""Signed readings as the OCA's paper on signed meter values has them in all versions (3.2.1, 3.2.2, 4.2.1)."""

from __future__ import annotations

import base64
from typing import Any

from voltbridge.station.readings import SignedReading

__all__ = ["printed_key", "signed_meter_value"]


def signed_meter_value(signed: SignedReading) -> dict[str, Any]:
    """SignedMeterValueType: the data in Base64, the method unless the data tells it, the key where it is told."""
    return {
        "signedMeterData": base64.b64encode(signed.data.encode()).decode(),
        "signingMethod": signed.signing_method,
        "encodingMethod": signed.encoding_method,
        "publicKey": printed_key(signed.public_key) if signed.public_key else "",
    }


def printed_key(digits: str) -> str:
    """The key as printed on the meter, with the marks that say how to read it, in Base64."""
    return base64.b64encode(f"oca:base16:asn1:{digits}".encode()).decode()
