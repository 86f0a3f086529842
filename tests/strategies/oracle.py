"""What the official schemas say about a payload: jsonschema, with numbers as Decimal and formats checked.

Written without a look at the codec, so that the two can be compared.
"""

from __future__ import annotations

import calendar
import json
import re
from decimal import Decimal
from fractions import Fraction
from functools import cache
from typing import Any

import msgspec
from jsonschema import Draft4Validator, Draft6Validator, FormatChecker, ValidationError, validators
from jsonschema.protocols import Validator

from protocol_schemas import load, name_inline_types
from voltbridge.protocol.errors import ViolationKind
from voltbridge.protocol.versions import Version

__all__ = ["definitions", "dump", "faults", "messages", "parse", "same", "validator"]

_ENCODER = msgspec.json.Encoder(decimal_format="number")
_extend: Any = validators.extend
_FORMATS = FormatChecker(formats=())


@cache
def messages(version: Version) -> dict[str, dict[str, Any]]:
    """The corrected schema of each message, numbers as Decimal: ``{"AuthorizeRequest": {...}, ...}``."""
    schemas = load(version.label)
    return {name: json.loads(json.dumps(schema), parse_float=Decimal) for name, schema in schemas.items()}


@cache
def definitions(version: Version) -> dict[str, dict[str, Any]]:
    """The schema of each class that messages are made of, complete with the definitions it refers to."""
    found: dict[str, dict[str, Any]] = {}
    schemas = {name: json.loads(json.dumps(schema)) for name, schema in load(version.label).items()}
    if version is Version.V16:
        schemas = name_inline_types(schemas)
    for schema in schemas.values():
        for name, part in schema.get("definitions", {}).items():
            if "properties" in part and name != "CustomDataType":
                whole = {**part, "definitions": schema["definitions"], "$schema": schema["$schema"]}
                found[name] = json.loads(json.dumps(whole), parse_float=Decimal)
    return found


def dump(payload: Any) -> bytes:
    """JSON, with a Decimal written digit for digit."""
    return _ENCODER.encode(payload)


def parse(data: bytes | str) -> Any:
    """JSON, with every number that has a fraction or an exponent as Decimal."""
    return json.loads(data, parse_float=Decimal)


def same(left: Any, right: Any) -> bool:
    """The same JSON: true is not 1, 5.0 is 5, and the order of keys is no matter."""
    if isinstance(left, dict) and isinstance(right, dict):
        return left.keys() == right.keys() and all(same(value, right[key]) for key, value in left.items())
    if isinstance(left, list) and isinstance(right, list):
        return len(left) == len(right) and all(map(same, left, right))
    return isinstance(left, bool) == isinstance(right, bool) and bool(left == right)


def validator(schema: dict[str, Any]) -> Validator:
    """What judges payloads by a schema, in the draft it is written in."""
    draft = _DRAFT_4 if "draft-04" in schema["$schema"] else _DRAFT_6
    judge: Validator = draft(schema, format_checker=_FORMATS)
    return judge


_KINDS = {
    "additionalProperties": ViolationKind.FORMAT,
    "enum": ViolationKind.PROPERTY,
    "format": ViolationKind.PROPERTY,
    "maxItems": ViolationKind.OCCURRENCE,
    "maxLength": ViolationKind.PROPERTY,
    "maximum": ViolationKind.PROPERTY,
    "minItems": ViolationKind.OCCURRENCE,
    "minimum": ViolationKind.PROPERTY,
    "multipleOf": ViolationKind.PROPERTY,
    "required": ViolationKind.OCCURRENCE,
    "type": ViolationKind.TYPE,
}


def faults(judge: Validator, payload: Any) -> dict[str, ViolationKind]:
    """Every fault of a payload: path -> kind. A value of the wrong type has no other fault."""
    found: dict[str, ViolationKind] = {}
    for error in judge.iter_errors(payload):
        rule: Any = error.validator_value
        value: Any = error.instance
        path = "$" + "".join(f"[{key}]" if isinstance(key, int) else f".{key}" for key in error.absolute_path)
        keys: list[str] = []
        if error.validator == "required":
            keys = [key for key in rule if key not in value]
        elif error.validator == "additionalProperties":
            known: Any = error.schema
            keys = [key for key in value if key not in known.get("properties", {})]
        kind = _KINDS[str(error.validator)]
        if path == "$" and kind is ViolationKind.TYPE:
            kind = ViolationKind.FORMAT
        for place in [f"{path}.{key}" for key in keys] or [path]:
            found[place] = kind if found.get(place) is not ViolationKind.TYPE else ViolationKind.TYPE
    return found


def _is_number(_: Any, value: Any) -> bool:
    return isinstance(value, int | Decimal) and not isinstance(value, bool)


def _is_integer_4(_: Any, value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _is_integer_6(_: Any, value: Any) -> bool:
    return _is_number(_, value) and Fraction(value).denominator == 1


def _multiple_of(_: Any, divisor: Any, value: Any, __: Any) -> Any:
    if _is_number(None, value) and (Fraction(value) / Fraction(divisor)).denominator != 1:
        yield ValidationError(f"{value} is not a multiple of {divisor}")


_DRAFT_4 = _extend(
    Draft4Validator,
    {"multipleOf": _multiple_of},
    type_checker=Draft4Validator.TYPE_CHECKER.redefine_many({"number": _is_number, "integer": _is_integer_4}),
)
_DRAFT_6 = _extend(
    Draft6Validator,
    {"multipleOf": _multiple_of},
    type_checker=Draft6Validator.TYPE_CHECKER.redefine_many({"number": _is_number, "integer": _is_integer_6}),
)

_DATE_TIME = re.compile(
    r"([0-9]{4})-([0-9]{2})-([0-9]{2})[Tt]([0-9]{2}):([0-9]{2}):([0-9]{2})(\.[0-9]+)?"
    r"([Zz]|([+-])([0-9]{2}):([0-9]{2}))"
)
_URI_PARTS = re.compile(r"([^:/?#]+):(//([^/?#]*))?([^?#]*)(\?([^#]*))?(#(.*))?", re.DOTALL)
_UNRESERVED = "A-Za-z0-9\\-._~"
_SUB = "!$&'()*+,;="


@_FORMATS.checks("date-time")
def _is_date_time(value: Any) -> bool:
    """RFC 3339, section 5.6 and the ranges of 5.7."""
    if not isinstance(value, str):
        return True
    found = _DATE_TIME.fullmatch(value)
    if found is None:
        return False
    year, month, day, hour, minute, second = (int(found[group]) for group in range(1, 7))
    ahead = 0
    if found[9]:
        if int(found[10]) > 23 or int(found[11]) > 59:
            return False
        ahead = (60 * int(found[10]) + int(found[11])) * (1 if found[9] == "+" else -1)
    if not 1 <= month <= 12 or not 1 <= day <= calendar.monthrange(year or 4, month)[1]:
        return False
    if second == 60:
        return hour < 24 and minute < 60 and (60 * hour + minute - ahead) % 1440 == 1439
    return hour < 24 and minute < 60 and second < 60


@_FORMATS.checks("uri")
def _is_uri(value: Any) -> bool:
    """RFC 3986: split as in its appendix B, then each part by its own characters."""
    if not isinstance(value, str):
        return True
    found = _URI_PARTS.fullmatch(value)
    if found is None or not re.fullmatch(r"[A-Za-z][A-Za-z0-9+\-.]*", found[1]):
        return False
    authority, path, query, fragment = found[3], found[4], found[6], found[8]
    rest = all(part is None or _consists_of(part, "/?:@") for part in (query, fragment))
    if not rest or not _consists_of(path, "/:@"):
        return False
    return not path.startswith("//") if authority is None else _is_authority(authority)


def _is_authority(text: str) -> bool:
    user, _, host = text.rpartition("@")
    if not _consists_of(user, ":"):
        return False
    if host.startswith("["):
        inside, bracket, port = host[1:].partition("]")
        good = re.fullmatch(rf"[0-9A-Fa-f:.]+|[vV][0-9A-Fa-f]+\.[{_UNRESERVED}{_SUB}:]+", inside)
        return bool(bracket and good and re.fullmatch(r"(:[0-9]*)?", port))
    name, _, port = host.partition(":")
    return _consists_of(name, "") and re.fullmatch(r"[0-9]*", port) is not None


def _consists_of(text: str, more: str) -> bool:
    return re.fullmatch(rf"([{_UNRESERVED}{_SUB}{more}]|%[0-9A-Fa-f]{{2}})*", text) is not None
