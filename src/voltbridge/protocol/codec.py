"""Messages to JSON and back.

Reading a valid message is one call of a compiled decoder. Only when that refuses is the JSON read a second time,
slowly, to say what is wrong or, by the policy, to mend it (``repair``).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final, NamedTuple, TypeVar

import msgspec

from voltbridge.protocol import repair
from voltbridge.protocol.checks import Check, after_decoding
from voltbridge.protocol.datetimes import DateTime, parse_rfc3339
from voltbridge.protocol.errors import ViolationKind
from voltbridge.protocol.policy import Deviation, Policy, Violation
from voltbridge.protocol.shapes import record
from voltbridge.protocol.structs import CustomDataType, Payload

__all__ = ["Deviation", "Policy", "Violation", "decode", "encode", "encode_checked", "validate"]

_P = TypeVar("_P", bound=Payload)
_Buffer = bytes | bytearray | memoryview | msgspec.Raw | str

_REFUSED: Final = (msgspec.DecodeError, RecursionError, UnicodeError)


class _Plan(NamedTuple):
    """How messages of one type are read."""

    decode: Callable[[_Buffer], Any]
    check: Check | None


_PLANS: Final[dict[type[Payload], _Plan]] = {}


def _from_json(kind: type, value: Any) -> Any:
    if kind is DateTime:
        if type(value) is str and parse_rfc3339(value) is not None:
            return DateTime(value)
        raise ValueError("not a date-time")
    vendor = value.get("vendorId") if isinstance(value, dict) else None
    if isinstance(vendor, str) and len(vendor) <= CustomDataType.VENDOR_ID_LENGTH:
        return CustomDataType(value)
    raise ValueError("not custom data")


def _to_json(value: Any) -> Any:
    if type(value) is DateTime:
        return str(value)
    raise TypeError(f"no JSON for {type(value).__name__}")


_ENCODER: Final = msgspec.json.Encoder(enc_hook=_to_json)


def encode(message: Payload) -> bytes:
    """Compact JSON in the schema's field order, absent fields left out. Checks nothing (see ``encode_checked``)."""
    return _ENCODER.encode(message)


def encode_checked(message: Payload) -> bytes:
    """As ``encode``, and raises Violation when the schema refuses the message."""
    try:
        data = _ENCODER.encode(message)
    except (ValueError, RecursionError) as error:  # half a surrogate pair, thousands of digits or levels
        raise Violation(ViolationKind.FORMAT, "$", str(error)) from error
    decode(type(message), data)
    return data


def validate(message: Payload) -> None:
    """Raises Violation when the schema refuses the message: constructing one in Python checks nothing."""
    encode_checked(message)


def decode(
    message_type: type[_P],
    payload: _Buffer,
    *,
    policy: Policy = Policy.STRICT,
    deviations: list[Deviation] | None = None,
) -> _P:
    """The message a payload holds. Deviations the policy let pass are appended to ``deviations``.

    Raises Violation when the policy refuses the payload.
    """
    plan = _PLANS.get(message_type) or _plan(message_type)
    try:
        message: _P = plan.decode(payload)
        if plan.check is None or plan.check(message):
            return message
    except _REFUSED:
        pass
    message, noted = repair.read(message_type, payload if isinstance(payload, str) else bytes(payload), policy)
    if deviations is not None:
        deviations += noted
    return message


def _plan(message_type: type[Payload]) -> _Plan:
    decoder = msgspec.json.Decoder(message_type, dec_hook=_from_json)
    return _PLANS.setdefault(message_type, _Plan(decoder.decode, after_decoding(record(message_type))))
