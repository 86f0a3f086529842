"""Reads a payload that the compiled decoder refused: names the first fault, or mends it as the policy allows.

``read`` walks the JSON along the shape of the message, in the order of the document, missing fields last. It is slow
and runs for refused messages only.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from decimal import Decimal, InvalidOperation
from typing import Any, Final, TypeVar, cast

import msgspec

from voltbridge.protocol.checks import is_tenths, is_uri
from voltbridge.protocol.datetimes import DateTime, parse_lenient, parse_rfc3339
from voltbridge.protocol.errors import ViolationKind
from voltbridge.protocol.policy import Deviation, Policy, Violation
from voltbridge.protocol.shapes import (
    Anything,
    Choice,
    Custom,
    Field,
    Flag,
    Many,
    Moment,
    Number,
    Record,
    Shape,
    Text,
    Whole,
    folded,
    record,
)
from voltbridge.protocol.structs import CustomDataType, Payload

__all__ = ["CAN_DO_WITHOUT", "HARMLESS_TO_CUT", "MOST_DEVIATIONS", "SALVAGED", "TAKEN_AS", "read"]

_P = TypeVar("_P", bound=Payload)

HARMLESS_TO_CUT: Final = frozenset(
    {
        ("EventDataType", "techInfo"),
        ("SecurityEventNotificationRequest", "techInfo"),
        ("StatusInfoType", "additionalInfo"),
        ("StatusNotificationRequest", "info"),
    }
)
"""(class, field) of the texts that only people read: too long, they may be cut."""

SALVAGED: Final = frozenset({"MeterValue", "MeterValueType", "SampledValue", "SampledValueType"})
"""The classes whose bad items the salvage policy drops from a list."""

TAKEN_AS: Final[Mapping[tuple[str, str], str | None]] = {
    ("StopTransactionRequest", "reason"): "Other",
    ("TransactionEventRequest", "eventType"): "Updated",
    ("TransactionEventRequest", "triggerReason"): "AbnormalCondition",
    ("TransactionEventRequest", "preconditioningStatus"): None,
    ("TransactionType", "stoppedReason"): "Other",
    ("TransactionType", "chargingState"): None,
    ("TransactionType", "operationMode"): None,
    ("IdTokenType", "type"): "Local",
    ("SampledValue", "context"): "Other",
    ("SampledValueType", "context"): "Other",
    ("StatusNotificationRequest", "errorCode"): "OtherError",
    ("BootNotificationRequest", "reason"): "Unknown",
}
"""(class, field): what the salvage policy takes for a value that the enumeration does not have, None for absent.

Only where the standard itself has a word for anything else, or the field can do without, and where refusing loses more:
a transaction that is never closed, a fault nobody hears of, a station that is never accepted. Three are less than that,
and never claim what the sender may not have meant:

- no trigger is the standard's for others; an abnormal condition is the one that no message of ours depends on.
- an event of an unknown kind keeps its readings as an update; only one that says why the transaction stopped ends it.
- a token of an unknown kind is one the station made: what it is worth is what the operator entered for just that.
"""

CAN_DO_WITHOUT: Final = frozenset({("TransactionEventRequest", "costDetails")})
"""(class, field) of what the salvage policy leaves out when it is not as it should be: nothing here depends on it."""

_WORD_OF_AN_END: Final = "Ended"

_INNERMOST: Final = frozenset({"SampledValue", "SampledValueType"})

MOST_DEVIATIONS: Final = 100
"""No more are noted of one message, so that a broken one stays cheap."""

_LARGEST_EXPONENT: Final = 4000
_LONGEST_NUMBER: Final = 100
_LONGEST_CHOICES: Final = 80
_LONGEST_CHOICE: Final = 100
_DECIMAL: Final = re.compile(r"-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?", re.ASCII)
_TRUE_AND_FALSE: Final = {"true": True, "false": False, "1": True, "0": False}


class _NothingLeft(Exception):
    """Salvage dropped every item of a list; ``first`` is why the first one went."""

    def __init__(self, first: Violation) -> None:
        super().__init__(str(first))
        self.first = first


def read(message_type: type[_P], payload: bytes | str, policy: Policy) -> tuple[_P, list[Deviation]]:
    """The message and what had to be mended. Raises Violation where the policy does not mend."""
    try:
        tree = _PARSER.decode(payload)
        walk = _Walk(policy)
        message = walk.record(tree, record(message_type), "$")
        if not walk.deviations:
            walk.repeated_keys(payload)
    except msgspec.ValidationError as error:  # an integer of thousands of digits
        raise Violation(ViolationKind.PROPERTY, "$", str(error)) from error
    except msgspec.DecodeError as error:
        raise Violation(ViolationKind.FORMAT, "$", str(error)) from error
    except UnicodeError as error:
        raise Violation(ViolationKind.FORMAT, "$", "the text is not UTF-8") from error
    except RecursionError as error:
        raise Violation(ViolationKind.FORMAT, "$", "nested too deeply") from error
    return cast(_P, message), walk.deviations


def _decimal(text: str) -> Decimal:
    try:
        return Decimal(text)
    except InvalidOperation:  # an exponent of twenty digits
        return Decimal("Infinity")


_PARSER: Final = msgspec.json.Decoder(float_hook=_decimal)


class _Walk:
    """One pass over one payload."""

    def __init__(self, policy: Policy) -> None:
        self.mends = policy is not Policy.STRICT
        self.salvages = policy is Policy.SALVAGE
        self.deviations: list[Deviation] = []

    def note(self, kind: ViolationKind, path: str, detail: str) -> None:
        if len(self.deviations) < MOST_DEVIATIONS:
            self.deviations.append(Deviation(kind, path, detail))

    def mend(self, kind: ViolationKind, path: str, fault: str, remedy: str) -> None:
        """Note the remedy where the policy mends; raises Violation where it does not."""
        if not self.mends:
            raise Violation(kind, path, fault)
        self.note(kind, path, f"{fault}: {remedy}")

    def record(self, value: Any, shape: Record, path: str) -> Payload:
        if not isinstance(value, dict):
            top = path == "$"
            kind = ViolationKind.FORMAT if top else ViolationKind.TYPE
            fault = f"expected an object, got {_shown(value)}"
            if value != [] and not (top and value is None):
                raise Violation(kind, path, fault)
            self.mend(kind, path, fault, "taken as an empty object")
            value = {}
        made: dict[str, Any] = {}
        for name, item in value.items():
            field, place = shape.fields.get(name), f"{path}.{name[:60]}"
            if field is None:
                self.mend(ViolationKind.FORMAT, place, "unknown field", "dropped")
                continue
            found = self.field(item, field, place, (shape.cls.__name__, name), value)
            if found is not msgspec.UNSET:
                made[field.attribute] = found
        for name, field in shape.fields.items():
            if field.required and field.attribute not in made:
                raise Violation(ViolationKind.OCCURRENCE, f"{path}.{name}", "required and missing")
        return shape.cls(**made)

    def field(self, value: Any, field: Field, path: str, name: tuple[str, str], whole: dict[str, Any]) -> Any:
        """The value of a field; ``name`` is that of its class and its own, ``whole`` the object it is in."""
        shape = field.shape
        if not field.required and self.mends and self.means_absent(value, shape, path):
            return msgspec.UNSET
        if name in HARMLESS_TO_CUT and self.mends and isinstance(shape, Text) and isinstance(value, str):
            value = self.shortened(value, shape, path)
        before = len(self.deviations)
        try:
            return self.value(value, shape, path)
        except _NothingLeft as nothing:
            if not field.required:
                return msgspec.UNSET
            assert isinstance(shape, Many)
            assert isinstance(shape.item, Record)
            if shape.fewest or shape.item.cls.__name__ in _INNERMOST:
                raise nothing.first from None
            return []
        except Violation as violation:
            if self.salvages and name in CAN_DO_WITHOUT:
                del self.deviations[before:]
                self.note(violation.kind, violation.path, f"{violation.detail}: {path} taken as absent")
                return msgspec.UNSET
            if not (self.salvages and name in TAKEN_AS and isinstance(shape, Choice) and _says_something(value)):
                raise
            word = _word_of_an_end(name, whole) or TAKEN_AS[name]
            remedy = "taken as absent" if word is None else f"taken as {word}"
            self.note(violation.kind, path, f"{violation.detail}: {remedy}")
            return msgspec.UNSET if word is None else shape.values[word]

    def means_absent(self, value: Any, shape: Shape, path: str) -> bool:
        """Null, "" or [] where no such value is possible can only mean that there is none."""
        if value is None and not isinstance(shape, Anything):
            kind, what = ViolationKind.TYPE, "null"
        elif value == "" and not isinstance(shape, Text | Anything):
            kind, what = ViolationKind.PROPERTY, "an empty text"
        elif value == [] and isinstance(shape, Many) and shape.fewest:
            kind, what = ViolationKind.OCCURRENCE, "an empty list"
        elif value == [] and isinstance(shape, Record | Custom):
            kind, what = ViolationKind.TYPE, "an empty list"
        else:
            return False
        self.note(kind, path, f"{what} in an optional field: taken as absent")
        return True

    def shortened(self, value: str, shape: Text, path: str) -> str:
        if shape.longest is None or len(value) <= shape.longest:
            return value
        self.note(ViolationKind.PROPERTY, path, f"longer than {shape.longest} characters: cut")
        return value[: shape.longest]

    def value(self, value: Any, shape: Shape, path: str) -> Any:
        match shape:
            case Record():
                return self.record(value, shape, path)
            case Many():
                return self.many(value, shape, path)
            case Text():
                return self.text(value, shape, path)
            case Whole():
                return self.whole(value, shape, path)
            case Number():
                return self.number(value, shape, path)
            case Choice():
                return self.choice(value, shape, path)
            case Moment():
                return self.moment(value, path)
            case Flag():
                return self.flag(value, path)
            case Custom():
                return self.custom(value, path)
            case Anything():
                return _plain(value, path)

    def many(self, value: Any, shape: Many, path: str) -> list[Any]:
        if not isinstance(value, list):
            fault = f"expected a list, got {_shown(value)}"
            if not isinstance(value, dict) or not isinstance(shape.item, Record):
                raise Violation(ViolationKind.TYPE, path, fault)
            self.mend(ViolationKind.TYPE, path, fault, "taken as a list of one")
            value = [value]
        drops = self.salvages and isinstance(shape.item, Record) and shape.item.cls.__name__ in SALVAGED
        kept: list[Any] = []
        first: Violation | None = None
        for index, item in enumerate(value):
            before = len(self.deviations)
            try:
                kept.append(self.value(item, shape.item, f"{path}[{index}]"))
            except Violation as violation:
                if not drops:
                    raise
                del self.deviations[before:]
                self.note(violation.kind, violation.path, f"{violation.detail}: {path}[{index}] dropped")
                first = first or violation
        if first is not None and not kept:
            raise _NothingLeft(first)
        if len(kept) < shape.fewest:
            raise Violation(ViolationKind.OCCURRENCE, path, f"{len(kept)} items, at least {shape.fewest} required")
        if shape.most is not None and len(kept) > shape.most:
            raise Violation(ViolationKind.OCCURRENCE, path, f"{len(kept)} items, at most {shape.most} allowed")
        return kept

    def text(self, value: Any, shape: Text, path: str) -> str:
        text = value if isinstance(value, str) else self.as_text(value, path)
        if shape.longest is not None and len(text) > shape.longest:
            raise Violation(ViolationKind.PROPERTY, path, f"longer than {shape.longest} characters")
        if shape.uri and not is_uri(text):
            raise Violation(ViolationKind.PROPERTY, path, f"not a URI: {_shown(text)}")
        return text

    def as_text(self, value: Any, path: str) -> str:
        fault = f"expected a string, got {_shown(value)}"
        if not isinstance(value, bool | int | Decimal):
            raise Violation(ViolationKind.TYPE, path, fault)
        self.mend(ViolationKind.TYPE, path, fault, "its text is taken")
        return str(value).lower() if isinstance(value, bool) else str(value)

    def whole(self, value: Any, shape: Whole, path: str) -> int:
        fault = f"expected an integer, got {_shown(value)}"
        number = self.from_text(value, path, fault)
        if isinstance(number, bool) or not isinstance(number, int | Decimal):
            raise Violation(ViolationKind.TYPE, path, fault)
        if isinstance(number, Decimal):
            if number.adjusted() > _LARGEST_EXPONENT or not number.is_finite():
                raise Violation(ViolationKind.PROPERTY, path, "out of range")
            if number != number.to_integral_value():
                raise Violation(ViolationKind.TYPE, path, fault)
            if not shape.fraction and number is value:
                self.mend(ViolationKind.TYPE, path, fault, "taken as an integer")
            number = int(number)
        _within(number, shape, path)
        return number

    def number(self, value: Any, shape: Number, path: str) -> float:
        fault = f"expected a number, got {_shown(value)}"
        exact = self.from_text(value, path, fault)
        if isinstance(exact, bool) or not isinstance(exact, int | Decimal):
            raise Violation(ViolationKind.TYPE, path, fault)
        number = _float(exact, path)
        if shape.tenths and not is_tenths(number):
            self.mend(ViolationKind.PROPERTY, path, f"{_shown(exact)} is no multiple of 0.1", "rounded")
            number = round(number, 1)
        _within(number, shape, path)
        return number

    def from_text(self, value: Any, path: str, fault: str) -> Any:
        """The number a string holds, where the policy takes it; anything else as it is."""
        if not isinstance(value, str) or len(value) > _LONGEST_NUMBER or not _DECIMAL.fullmatch(value.strip()):
            return value
        self.mend(ViolationKind.TYPE, path, fault, "taken as a number")
        return _decimal(value.strip())

    def choice(self, value: Any, shape: Choice, path: str) -> Any:
        if not isinstance(value, str):
            raise Violation(ViolationKind.TYPE, path, f"expected a string, got {_shown(value)}")
        member = shape.values.get(value)
        if member is None:
            fault = f"{_shown(value)} is not {_any_of(shape)}"
            plain = value.strip()
            member = shape.folded.get(folded(plain)) if len(plain) <= _LONGEST_CHOICE else None
            if member is None:
                raise Violation(ViolationKind.PROPERTY, path, fault)
            self.mend(ViolationKind.PROPERTY, path, fault, f"taken as {member.value}")
        return member

    def moment(self, value: Any, path: str) -> DateTime:
        if not isinstance(value, str):
            raise Violation(ViolationKind.TYPE, path, f"expected a date-time, got {_shown(value)}")
        if parse_rfc3339(value) is None:
            fault = f"no date-time with an offset: {_shown(value)}"
            moment = parse_lenient(value)
            if moment is None:
                raise Violation(ViolationKind.PROPERTY, path, fault)
            self.mend(ViolationKind.PROPERTY, path, fault, f"taken as {DateTime.of(moment)}")
        return DateTime(value)

    def flag(self, value: Any, path: str) -> bool:
        if isinstance(value, bool):
            return value
        fault = f"expected a boolean, got {_shown(value)}"
        meant = _TRUE_AND_FALSE.get(str(value).strip().casefold()) if isinstance(value, str | int) else None
        if meant is None:
            raise Violation(ViolationKind.TYPE, path, fault)
        self.mend(ViolationKind.TYPE, path, fault, f"taken as {str(meant).lower()}")
        return meant

    def custom(self, value: Any, path: str) -> CustomDataType:
        if not isinstance(value, dict):
            raise Violation(ViolationKind.TYPE, path, f"expected an object, got {_shown(value)}")
        if "vendorId" not in value:
            raise Violation(ViolationKind.OCCURRENCE, f"{path}.vendorId", "required and missing")
        vendor = self.text(value["vendorId"], Text(CustomDataType.VENDOR_ID_LENGTH), f"{path}.vendorId")
        return CustomDataType(_plain(value, path) | {"vendorId": vendor})

    def repeated_keys(self, payload: bytes | str) -> None:
        """Look for a key that comes twice in one object: nothing else explains why the decoder refused."""
        repeated: list[str] = []

        def pairs(found: list[tuple[str, Any]]) -> None:
            seen: set[str] = set()
            for name, _ in found:
                (repeated.append if name in seen else seen.add)(name)

        json.loads(payload, object_pairs_hook=pairs, parse_float=str, parse_int=str)
        for name in repeated[:1]:
            self.mend(ViolationKind.FORMAT, "$", f"the key {_shown(name)} comes twice", "the last counts")


def _says_something(value: Any) -> bool:
    """Whether a value can be the sender's own word, or number, for something; nothing at all cannot."""
    return bool(value.strip()) if isinstance(value, str) else isinstance(value, int | Decimal)


def _word_of_an_end(name: tuple[str, str], event: dict[str, Any]) -> str | None:
    """What an event of an unknown kind is when it tells why its transaction stopped: its end, and nothing else is."""
    if name != ("TransactionEventRequest", "eventType"):
        return None
    info = event.get("transactionInfo")
    stopped = isinstance(info, dict) and _says_something(info.get("stoppedReason"))
    return _WORD_OF_AN_END if stopped else None


def _within(number: float, shape: Whole | Number, path: str) -> None:
    if (shape.low is not None and number < shape.low) or (shape.high is not None and number > shape.high):
        limits = f"{'' if shape.low is None else shape.low}..{'' if shape.high is None else shape.high}"
        raise Violation(ViolationKind.PROPERTY, path, f"{_shown(number)} is out of range {limits}")


def _float(exact: int | Decimal, path: str) -> float:
    try:
        number = float(exact)
    except OverflowError:
        number = float("inf")
    if number in (float("inf"), float("-inf")):
        raise Violation(ViolationKind.PROPERTY, path, "out of range")
    return number


def _plain(value: Any, path: str) -> Any:
    """JSON as the compiled decoder makes it: numbers with a fraction or exponent are floats."""
    if isinstance(value, Decimal):
        return _float(value, path)
    if isinstance(value, list):
        return [_plain(item, f"{path}[{index}]") for index, item in enumerate(value)]
    if isinstance(value, dict):
        return {name: _plain(item, f"{path}.{name[:60]}") for name, item in value.items()}
    return value


def _any_of(shape: Choice) -> str:
    """What may be chosen: by name where that is short, as an error's description has 255 characters."""
    names = " or ".join(", ".join(shape.values).rsplit(", ", 1))
    return names if len(names) <= _LONGEST_CHOICES else f"one of {len(shape.values)} values"


def _shown(value: Any) -> str:
    """A value for a human, short."""
    if isinstance(value, dict | list):
        return "an object" if isinstance(value, dict) else "a list"
    if isinstance(value, int) and not isinstance(value, bool) and value.bit_length() > 200:
        return "a large number"
    if isinstance(value, str):
        value = value[:60]
    text = str(value) if isinstance(value, Decimal) else json.dumps(value, ensure_ascii=False)
    return text if len(text) <= 60 else f"{text[:57]}..."
