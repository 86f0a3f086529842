"""Signed meter values of a meter that is not there: real signatures in the Open Charge Metering Format, made-up keys.

The text is ``OCMF|{payload}|{signature}``; the signature is ECDSA over the payload's bytes with SHA-256 on the curve
P-256, its DER in hexadecimal digits. Each meter has a key of its own, the same over all restarts: it follows from the
meter's number, so it protects nothing. What a meter signs that was tampered with, whoever holds its key can tell is
wrong.
"""

from __future__ import annotations

import hashlib
import json
from datetime import datetime
from enum import StrEnum
from functools import lru_cache
from typing import Final

from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from voltbridge.domain.clock import Clock
from voltbridge.station.readings import SignedReading

__all__ = ["SIGNING_METHOD", "SigningMeter", "Tampering", "public_key", "signed"]

SIGNING_METHOD: Final = "ECDSA-secp256r1-SHA256"
_ORDER: Final = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
"""Of the curve P-256."""
_ADDED_WH: Final = 1000.0


class Tampering(StrEnum):
    """What somebody has done to a meter, or between the meter and the station."""

    NONE = "None"
    VALUE = "Value"
    """The register is raised after it was signed."""
    SIGNATURE = "Signature"
    """The signature is not that of the data."""
    KEY = "Key"
    """Another key signs than the one that stands on the meter."""


class SigningMeter:
    """A meter that signs: called with its register."""

    __slots__ = ("_clock", "number", "tampering")

    def __init__(self, number: str, clock: Clock, tampering: str = Tampering.NONE) -> None:
        """Raises ValueError for a way of tampering that there is not."""
        self._clock = clock
        self.number = number
        self.tampering = Tampering(tampering)

    def __call__(self, register_wh: float) -> SignedReading:
        """The register, signed."""
        return signed(register_wh, self._clock.now(), self.number, self.tampering)


@lru_cache(maxsize=4096)
def _key(meter: str) -> ec.EllipticCurvePrivateKey:
    number = int.from_bytes(hashlib.sha512(meter.encode()).digest()) % (_ORDER - 1) + 1
    return ec.derive_private_key(number, ec.SECP256R1())


@lru_cache(maxsize=4096)
def public_key(meter: str) -> str:
    """The key that verifies, as printed on the meter: SubjectPublicKeyInfo, DER in hexadecimal digits."""
    return (
        _key(meter)
        .public_key()
        .public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
        .hex()
    )


def signed(register_wh: float, at: datetime, meter: str, tampering: Tampering = Tampering.NONE) -> SignedReading:
    """A reading of the import register, signed."""
    payload = _payload(register_wh, at, meter)
    key = _key(f"{meter} of somebody else" if tampering is Tampering.KEY else meter)
    signature = key.sign(payload.encode(), ec.ECDSA(hashes.SHA256()))
    if tampering is Tampering.VALUE:
        payload = _payload(register_wh + _ADDED_WH, at, meter)
    if tampering is Tampering.SIGNATURE:
        signature = key.sign(b"something else", ec.ECDSA(hashes.SHA256()))
    envelope = json.dumps({"SA": SIGNING_METHOD, "SD": signature.hex()}, separators=(",", ":"))
    return SignedReading(f"OCMF|{payload}|{envelope}", "", "OCMF", public_key(meter))


def _payload(register_wh: float, at: datetime, meter: str) -> str:
    reading = {
        "TM": at.strftime("%Y-%m-%dT%H:%M:%S,%f")[:-3] + "+0000 S",
        "RV": register_wh,
        "RI": "1-0:1.8.0",
        "RU": "Wh",
        "ST": "G",
    }
    told = {
        "FV": "1.0",
        "GI": "Voltbridge virtual meter",
        "GS": meter,
        "PG": "T1",
        "MS": meter,
        "RD": [reading],
    }
    return json.dumps(told, separators=(",", ":"))
