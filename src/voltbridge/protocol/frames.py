"""OCPP-J messages as they lie on the wire: Call, CallResult, CallError, CallResultError and Send.

``decode`` is the fast path: one pass of a compiled decoder that takes a frame only when it is exactly right and leaves
the payload as raw JSON. Whatever it does not take goes to ``mend``, which reads what can still be read, says what is
wrong, and rebuilds the frame where its meaning is beyond doubt. Whether a mended frame is used is the caller's policy.

Layouts: J-1.6 4.2, 2.0.1 Part 4 4.2, 2.1 Part 4 4.2. They are the same in all versions; 5 and 6 exist from 2.1 on.
"""

from __future__ import annotations

import re
from enum import IntEnum
from typing import Annotated, Any, Final

import msgspec

from voltbridge.protocol.errors import ErrorCode, ViolationKind
from voltbridge.protocol.policy import Deviation

__all__ = [
    "LONGEST_ECHOED_ID",
    "LONGEST_ID",
    "UNREADABLE_ID",
    "Call",
    "CallError",
    "CallResult",
    "CallResultError",
    "Frame",
    "Mended",
    "MessageType",
    "Send",
    "decode",
    "encode",
    "mend",
    "with_numeric_id",
]

LONGEST_ID: Final = 36
"""Characters in a message id (J-1.6 table 3, 2.x Part 4 table 4)."""

LONGEST_ECHOED_ID: Final = 255
"""A longer id is not repeated in an answer, so that an answer stays small; it counts as unreadable."""

UNREADABLE_ID: Final = "-1"
"""The id of a CALLERROR about a message whose own id cannot be read (2.x Part 4 4.2.3)."""


class MessageType(IntEnum):
    """The message type numbers."""

    CALL = 2
    CALLRESULT = 3
    CALLERROR = 4
    CALLRESULTERROR = 5
    SEND = 6


_Id = Annotated[str, msgspec.Meta(min_length=1, max_length=LONGEST_ID)]


class Call(msgspec.Struct, frozen=True, array_like=True, forbid_unknown_fields=True, gc=False, tag=2):
    """A request. ``payload`` is its JSON, unread."""

    unique_id: _Id
    action: str
    payload: msgspec.Raw


class CallResult(msgspec.Struct, frozen=True, array_like=True, forbid_unknown_fields=True, gc=False, tag=3):
    """The response to a request. ``payload`` is its JSON, unread."""

    unique_id: _Id
    payload: msgspec.Raw


class CallError(msgspec.Struct, frozen=True, array_like=True, forbid_unknown_fields=True, tag=4):
    """The refusal of a request."""

    unique_id: _Id
    code: str
    description: str
    details: dict[str, Any]


class CallResultError(msgspec.Struct, frozen=True, array_like=True, forbid_unknown_fields=True, tag=5):
    """The refusal of a response (2.1)."""

    unique_id: _Id
    code: str
    description: str
    details: dict[str, Any]


class Send(msgspec.Struct, frozen=True, array_like=True, forbid_unknown_fields=True, gc=False, tag=6):
    """A message that is never answered (2.1). ``payload`` is its JSON, unread."""

    unique_id: _Id
    action: str
    payload: msgspec.Raw


Frame = Call | CallResult | CallError | CallResultError | Send


class Mended(msgspec.Struct, frozen=True):
    """What could be read of a frame that ``decode`` did not take."""

    message_type: int | None
    unique_id: str | None
    numeric_id: bool
    """The id came as a JSON number; an answer has to repeat it as one (see ``with_numeric_id``)."""
    frame: Frame | None
    """The frame, where its meaning is beyond doubt."""
    deviations: list[Deviation]
    """What is wrong with it; empty when it was only written in an unusual but valid way."""


_ABSENT: Final = msgspec.Raw(b"")


class _Elements(msgspec.Struct, array_like=True, gc=False):
    """The first elements of any JSON array, unread: ``_ABSENT`` what it lacks, skipped what it has more."""

    message_type: msgspec.Raw = _ABSENT
    unique_id: msgspec.Raw = _ABSENT
    third: msgspec.Raw = _ABSENT
    fourth: msgspec.Raw = _ABSENT
    fifth: msgspec.Raw = _ABSENT
    sixth: msgspec.Raw = _ABSENT


_NOT_JSON = (msgspec.DecodeError, RecursionError, UnicodeError)
_EMPTY_OBJECT: Final = msgspec.Raw(b"{}")
_FRAME: Final[msgspec.json.Decoder[Any]] = msgspec.json.Decoder(Frame)
_ELEMENTS: Final = msgspec.json.Decoder(_Elements)
_ANY: Final = msgspec.json.Decoder()
_ENCODER: Final = msgspec.json.Encoder()

# The start of a frame whose rest is no JSON: the type, and the id if it is a string within reasonable length.
_HEAD: Final = re.compile(rb'\s*\[\s*(\d{1,3})\s*(?:,\s*("(?:[^"\\\x00-\x1f]|\\.){0,512}")\s*(?:,|\Z))?')
_HEAD_BYTES: Final = 4096
_CONTROL_CHARACTERS: Final = bytes([*range(0x21), 0x7F])
_BYTE_ORDER_MARK: Final = "\ufeff".encode()
_INTEGER: Final = re.compile(rb"-?(?:0|[1-9]\d{0,34})")


def decode(data: bytes) -> Frame | None:
    """The frame, or None when it is not exactly as the standard lays it out (then see ``mend``)."""
    try:
        frame: Frame = _FRAME.decode(data)
    except _NOT_JSON:
        return None
    return frame


def encode(frame: Frame) -> bytes:
    """The frame as compact JSON. Raises TypeError or ValueError when the details of an error are no JSON."""
    return _ENCODER.encode(frame)


def with_numeric_id(data: bytes) -> bytes:
    """An encoded frame whose id, an integer's text, is written as a number instead of a string."""
    start, unique_id, rest = data.split(b'"', 2)
    return start + unique_id + rest


def mend(data: bytes, *, padded: bool = False) -> Mended:
    """Read what can be read of a frame. Never raises.

    What stands around the JSON and is part of none (control characters, a byte order mark) hides nothing: no message
    may begin with such a mark, and who reads one may look behind it (RFC 8259, 8.1). With ``padded`` it is overlooked,
    otherwise it is the first thing that is wrong with the frame.
    """
    try:
        elements = _ELEMENTS.decode(data)
    except msgspec.ValidationError:
        return Mended(None, None, False, None, [_flaw("$", "not a JSON array")])
    except _NOT_JSON as error:
        bare = _without_padding(data)
        if len(bare) == len(data):
            return _mend_broken_json(data, error)
        mended = mend(bare)
        if padded:
            # Behind all others: where the frame cannot be used, the first is the reason.
            mended.deviations.append(_flaw("$", f"{_padding(data, bare)} the JSON: dropped"))
        else:
            mended.deviations.insert(0, _flaw("$", f"{_padding(data, bare)} the JSON"))
            mended = msgspec.structs.replace(mended, frame=None)
        return mended

    deviations: list[Deviation] = []
    message_type = _message_type(elements.message_type, deviations)
    unique_id, numeric_id = _unique_id(elements.unique_id, deviations)
    frame: Frame | None = None
    if message_type is not None and unique_id is not None:
        match message_type:
            case MessageType.CALL | MessageType.SEND:
                frame = _request(message_type, unique_id, elements, deviations)
            case MessageType.CALLRESULT:
                frame = _result(unique_id, elements, deviations)
            case MessageType.CALLERROR | MessageType.CALLRESULTERROR:
                frame = _refusal(message_type, unique_id, elements, deviations)
    return Mended(message_type, unique_id, numeric_id, frame, deviations)


def _without_padding(data: bytes) -> bytes:
    plain = data.strip(_CONTROL_CHARACTERS)
    return plain.removeprefix(_BYTE_ORDER_MARK).removesuffix(_BYTE_ORDER_MARK).strip(_CONTROL_CHARACTERS)


def _padding(data: bytes, bare: bytes) -> str:
    """What stands around, for a human."""
    start = data.find(bare)
    sides = {"before": data[:start], "behind": data[start + len(bare) :]}
    return " and ".join(f"{len(found)} bytes ({found[:4]!r}) {side}" for side, found in sides.items() if found)


def _flaw(path: str, detail: str) -> Deviation:
    return Deviation(ViolationKind.FRAME, path, detail)


def _mend_broken_json(data: bytes, error: Exception) -> Mended:
    """Only the head may be readable: enough to answer the right message, never enough to use it."""
    match error:
        case RecursionError():
            detail = "nested too deeply"
        case UnicodeError():
            detail = "not UTF-8"
        case _:
            detail = str(error)
    message_type: int | None = None
    unique_id: str | None = None
    head = _HEAD.match(data[:_HEAD_BYTES])
    if head is not None:
        message_type = int(head[1])
        if head[2] is not None:
            unique_id, _ = _unique_id(msgspec.Raw(head[2]), [])
    return Mended(message_type, unique_id, False, None, [_flaw("$", detail)])


def _value(raw: msgspec.Raw, limit: int = 1 << 20) -> Any:
    """A small element's value; None for what is absent, null, too large or no good JSON after all."""
    if not 0 < memoryview(raw).nbytes <= limit:
        return None
    try:
        return _ANY.decode(raw)
    except _NOT_JSON:
        return None


def _starts(raw: msgspec.Raw, character: bytes) -> bool:
    return memoryview(raw)[:1] == character


def _message_type(raw: msgspec.Raw, deviations: list[Deviation]) -> int | None:
    value = _value(raw, 16)
    if isinstance(value, float) and value.is_integer():
        return int(value)
    if isinstance(value, int) and not isinstance(value, bool):
        return value
    deviations.append(_flaw("$[0]", "the message type is not an integer"))
    return int(value) if isinstance(value, str) and re.fullmatch("[2-6]", value) else None


def _unique_id(raw: msgspec.Raw, deviations: list[Deviation]) -> tuple[str | None, bool]:
    number = _INTEGER.fullmatch(memoryview(raw))
    if number is not None:
        deviations.append(_flaw("$[1]", "the message id is a number, not a string"))
        return bytes(number[0]).decode("ascii"), True
    value = _value(raw, 12 * LONGEST_ECHOED_ID + 2)  # at worst every character is a pair of \u escapes
    if not isinstance(value, str) or len(value) > LONGEST_ECHOED_ID:
        deviations.append(_flaw("$[1]", "the message id cannot be read"))
        return None, False
    if not value:
        deviations.append(_flaw("$[1]", "the message id is empty"))
    elif len(value) > LONGEST_ID:
        deviations.append(_flaw("$[1]", f"the message id is longer than {LONGEST_ID} characters"))
    return value, False


def _request(message_type: int, unique_id: str, elements: _Elements, deviations: list[Deviation]) -> Call | Send | None:
    action = _value(elements.third, 1024)
    if not isinstance(action, str):
        deviations.append(_flaw("$[2]", "the action is not a string"))
        return None
    payload = elements.fourth
    if payload is _ABSENT:
        deviations.append(_flaw("$[3]", "the payload is missing"))
        payload = _EMPTY_OBJECT
    elif elements.fifth is not _ABSENT:
        deviations.append(_flaw("$[4]", "more than 4 elements"))
    return (Call if message_type == MessageType.CALL else Send)(unique_id, action, payload)


def _result(unique_id: str, elements: _Elements, deviations: list[Deviation]) -> CallResult:
    payload = elements.third
    if payload is _ABSENT:
        deviations.append(_flaw("$[2]", "the payload is missing"))
        payload = _EMPTY_OBJECT
    elif elements.fourth is not _ABSENT:
        deviations.append(_flaw("$[3]", "more than 3 elements"))
        if _starts(payload, b'"') and _starts(elements.fourth, b"{") and elements.fifth is _ABSENT:
            payload = elements.fourth  # a reply that repeats the action, as a request has it
    return CallResult(unique_id, payload)


def _refusal(
    message_type: int, unique_id: str, elements: _Elements, deviations: list[Deviation]
) -> CallError | CallResultError:
    code, description, details = (_value(raw) for raw in (elements.third, elements.fourth, elements.fifth))
    if not isinstance(code, str):
        deviations.append(_flaw("$[2]", "the error code is not a string"))
        code = ErrorCode.GENERIC_ERROR.value
    if not isinstance(description, str):
        deviations.append(_flaw("$[3]", "the error description is not a string"))
        description = ""
    if not isinstance(details, dict):
        deviations.append(_flaw("$[4]", "the error details are not an object"))
        details = {}
    if elements.sixth is not _ABSENT:
        deviations.append(_flaw("$[5]", "more than 5 elements"))
    kind = CallError if message_type == MessageType.CALLERROR else CallResultError
    return kind(unique_id, code, description, details)
