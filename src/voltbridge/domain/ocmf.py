"""Signed meter values in the Open Charge Metering Format, verified (OCA, Signed Meter Values in OCPP, 3.2 and 5.3).

The text is ``OCMF|{payload}|{signature}``; the signature is ECDSA over the payload as it is written. In OCPP it comes
in Base64, some stations send it as it is or in hexadecimal digits. The key is a SubjectPublicKeyInfo, alone or as the
colon-separated text that the paper has, likewise in Base64.
"""

from __future__ import annotations

import base64
import binascii
import json
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric import ec

__all__ = ["SignatureVerdict", "SignedReading", "signed_reading", "usable_key", "verify"]

_START: Final = "OCMF|"
_METHODS: Final = frozenset(
    {
        "ECDSA-secp192k1-SHA256",
        "ECDSA-secp256k1-SHA256",
        "ECDSA-secp192r1-SHA256",
        "ECDSA-secp256r1-SHA256",
        "ECDSA-brainpool256r1-SHA256",
        "ECDSA-secp384r1-SHA256",
        "ECDSA-brainpool384r1-SHA256",
    }
)
"""What is known here: all with SHA-256, the curve being the key's."""
_USUAL: Final = "ECDSA-secp256r1-SHA256"


class SignatureVerdict(StrEnum):
    """What a signature is worth."""

    VALID = "Valid"
    INVALID = "Invalid"
    NO_KEY = "NoKey"
    """No key is known that could verify it."""
    UNSUPPORTED = "Unsupported"
    """Not OCMF, or signed by a method that is not known here."""


@dataclass(frozen=True, slots=True)
class SignedReading:
    """Signed data as a station told it, unpacked as far as that goes."""

    text: str
    """``OCMF|...``, or as it came where it is something else."""
    public_key: str | None
    """The key that came with it."""


def signed_reading(told: str) -> SignedReading:
    """Unpack what is stored of a signed value: the object of OCPP as JSON, or the data alone. Takes any text."""
    data, key = told, ""
    try:
        value = json.loads(told)
    except (ValueError, RecursionError):
        value = None
    if isinstance(value, dict) and isinstance(value.get("signedMeterData"), str):
        data = value["signedMeterData"]
        key = value["publicKey"] if isinstance(value.get("publicKey"), str) else ""
    for decoded in (data, *(_text(each) for each in _decoded(data))):
        if decoded is not None and decoded.lstrip().startswith(_START):
            return SignedReading(decoded.strip(), key or None)
    return SignedReading(data, key or None)


def usable_key(text: str) -> bool:
    """Whether a text holds a public key that signatures can be held against."""
    return _key(text) is not None


def verify(reading: SignedReading, public_key: str | None) -> SignatureVerdict:
    """Hold the signature against a key: that of the operator's records, or else None for no key."""
    parts = reading.text.split("|", 2)
    if len(parts) != 3 or parts[0] != "OCMF":
        return SignatureVerdict.UNSUPPORTED
    _, payload, envelope = parts
    try:
        told: Any = json.loads(envelope)
        method = str(told.get("SA", _USUAL))
        signature = _decoded(str(told["SD"]))
    except (ValueError, KeyError, AttributeError, RecursionError):
        return SignatureVerdict.UNSUPPORTED
    if method not in _METHODS:
        return SignatureVerdict.UNSUPPORTED
    if public_key is None:
        return SignatureVerdict.NO_KEY
    key = _key(public_key)
    if key is None:
        return SignatureVerdict.UNSUPPORTED
    # Imported when there is something to verify: most starts of the program do without.
    from cryptography.exceptions import InvalidSignature
    from cryptography.hazmat.primitives import hashes
    from cryptography.hazmat.primitives.asymmetric import ec

    for candidate in signature:
        try:
            key.verify(candidate, payload.encode(), ec.ECDSA(hashes.SHA256()))
        except InvalidSignature:
            continue
        return SignatureVerdict.VALID
    return SignatureVerdict.INVALID


def _key(text: str, depth: int = 0) -> ec.EllipticCurvePublicKey | None:
    """The key of a text: PEM, DER in hexadecimal digits or Base64, or the colon-separated form in or without Base64."""
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives.asymmetric import ec
    from cryptography.hazmat.primitives.serialization import load_der_public_key, load_pem_public_key

    text = text.strip()
    if text.startswith("oca:"):
        _, _, _, text = (*text.split(":", 3), "", "", "")[:4]
    candidates: list[Any] = []
    try:
        if text.startswith("-----BEGIN"):
            candidates.append(load_pem_public_key(text.encode()))
    except (ValueError, UnsupportedAlgorithm):
        return None
    for data in _decoded(text):
        try:
            candidates.append(load_der_public_key(data))
        except (ValueError, UnsupportedAlgorithm):
            inner = _text(data)
            if inner is not None and inner.startswith("oca:") and depth == 0:
                return _key(inner, depth + 1)
    return next((each for each in candidates if isinstance(each, ec.EllipticCurvePublicKey)), None)


def _decoded(text: str) -> list[bytes]:
    """What hexadecimal digits or Base64 may stand for; both where it is not plain which."""
    plain = "".join(text.split()).removeprefix("0x")
    found = []
    for decode in (bytes.fromhex, lambda each: base64.b64decode(each, validate=True)):
        try:
            found.append(decode(plain))
        except (ValueError, binascii.Error):
            continue
    return found


def _text(data: bytes) -> str | None:
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError:
        return None
