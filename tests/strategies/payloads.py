"""Payloads made from a JSON schema: valid ones, and variants that break (or just keep) one rule of it.

``least`` and ``variants`` are plain functions, so that a test can go through all of them; ``valid`` and ``mutated`` let
hypothesis choose.
"""

from __future__ import annotations

import copy
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

from hypothesis import strategies as st

__all__ = ["Place", "least", "mutated", "places", "put", "valid", "variants"]

Schema = dict[str, Any]
Place = tuple[str | int, ...]
"""Where a value is in a payload: the keys and indexes that lead to it."""

_DATE_TIMES = (
    "2024-02-29T23:59:59Z",
    "2023-01-31T00:00:00.123Z",
    "2023-06-15T12:30:45.123456789123+02:00",
    "1999-12-31T10:00:00-23:59",
    "2024-01-01t10:00:00.5z",
    "2016-12-31T23:59:60Z",
)
_NO_DATE_TIMES = (
    "",
    "2024-01-01T10:00:00",
    "2024-01-01 10:00:00Z",
    "2024-01-01T10:00Z",
    "2024-01-01",
    "2023-02-29T10:00:00Z",
    "2024-13-01T10:00:00Z",
    "2024-01-01T24:00:00Z",
    "2024-01-01T10:60:00Z",
    "2024-01-01T10:00:60Z",
    "2024-01-01T10:00:00.Z",
    "2024-01-01T10:00:00,5Z",
    "2024-01-01T10:00:00+24:00",
    "2024-01-01T10:00:00+0100",
    "2024-01-01T10:00:00+01:60",
    "2024-01-01T10:00:00Z ",
    "2024-W01-1T10:00:00Z",
    "1704103200",
    "２024-01-01T10:00:00Z",
)
_URIS = (
    "https://example.com:8443/firmware/v1.bin?x=1&y=%20#part",
    "ftp://user:secret@[2001:db8::1]/a/b;c=1/",
    "file:///var/log",
    "urn:example:a:b",
    "http:",
)
_NO_URIS = (
    "",
    "example.com/firmware",
    "//example.com",
    "http://exa mple.com",
    "http://a/%zz",
    "http://a/[b]",
    "http://[::1/",
    "http://a:port/",
    "1http://a",
    "http://ä",
    "http://a#b#c",
)
_OTHER_TYPES: tuple[Any, ...] = (None, True, 0, Decimal("1.5"), "text", [], {}, [{}])
_EXTRA = {"text": "ü\n\U0001f50c", "number": Decimal("-12.5"), "list": [1, None, {"deep": True}]}


def resolved(schema: Schema, root: Schema) -> Schema:
    """The schema itself, or the definition it refers to."""
    if "$ref" in schema:
        found: Schema = root["definitions"][schema["$ref"].rpartition("/")[2]]
        return found
    return schema


def least(schema: Schema, root: Schema) -> Any:
    """The smallest valid value."""
    schema = resolved(schema, root)
    if "enum" in schema:
        return schema["enum"][0]
    match schema.get("type"):
        case "object":
            properties = schema.get("properties", {})
            return {name: least(properties[name], root) for name in schema.get("required", ())}
        case "array":
            return [least(schema["items"], root) for _ in range(schema.get("minItems", 0))]
        case "string":
            return {"date-time": _DATE_TIMES[0], "uri": _URIS[0]}.get(schema.get("format", ""), "")
        case "integer" | "number":
            return int(max(0, schema.get("minimum", 0)))
        case "boolean":
            return False
        case _:
            return None


def variants(schema: Schema, root: Schema, value: Any) -> list[Any]:
    """Other values for a place: each just inside or just outside of one rule."""
    schema = resolved(schema, root)
    found = [other for other in _OTHER_TYPES if type(other) is not type(value)]
    if "enum" in schema:
        first = schema["enum"][0]
        return [*found, *schema["enum"], "", "NoSuchValue", first.swapcase(), f"{first} ", f" {first}"]
    match schema.get("type"):
        case "object":
            return found + (_objects(schema, value) if isinstance(value, dict) else [{}])
        case "array":
            return found + (_lists(schema, root, value) if isinstance(value, list) else [[]])
        case "string":
            return found + _strings(schema)
        case "integer" | "number":
            return found + _numbers(schema)
        case "boolean":
            return [*found, False, "true", 1]
        case _:
            return [*found, _EXTRA]


def _objects(schema: Schema, value: dict[str, Any]) -> list[Any]:
    found: list[Any] = [
        {key: item for key, item in value.items() if key != name} for name in schema.get("required", ())
    ]
    found += [value | {"unknownField": 1}, value | {"": None}, {}]
    if "additionalProperties" not in schema:
        found += [value | _EXTRA, value | {"vendorId": "v" * 255}, value | {"vendorId": "v" * 256}]
    optional = schema.get("properties", {}).keys() - value.keys()
    return found + [value | {name: None} for name in sorted(optional)[:3]]


def _lists(schema: Schema, root: Schema, value: list[Any]) -> list[Any]:
    item = value[0] if value else least(schema["items"], root)
    counts = {0, 1, 2, schema.get("minItems", 0), schema.get("maxItems", 0), schema.get("maxItems", 0) + 1}
    return [[copy.deepcopy(item) for _ in range(count)] for count in sorted(counts)] + [[None], [[item]]]


def _strings(schema: Schema) -> list[Any]:
    match schema.get("format"):
        case "date-time":
            return [*_DATE_TIMES, *_NO_DATE_TIMES]
        case "uri":
            return [*_URIS, *_NO_URIS]
    longest = schema.get("maxLength")
    limits = (
        [] if longest is None else ["x" * longest, "x" * (longest + 1), "\U0001f50c" * longest, "é" * (longest + 1)]
    )
    return ["", '\x00\x1f\u2028\\"/', *limits]


def _numbers(schema: Schema) -> list[Any]:
    found: list[Any] = [0, 1, -1, 5, Decimal("5.0"), Decimal("5E+2"), Decimal("-0.0"), Decimal("0.5"), "5", 10**30]
    if "multipleOf" in schema:
        found += [
            Decimal(text) for text in ("0.1", "0.3", "16.1", "-7.9", "0.05", "16.15", "1000000.01", "1E-7", "2.30")
        ]
    for limit in (schema.get("minimum"), schema.get("maximum")):
        if limit is not None:
            found += [int(limit), int(limit) - 1, int(limit) + 1, limit - Decimal("0.01"), limit + Decimal("0.01")]
    return found


def places(schema: Schema, root: Schema, value: Any) -> Iterator[tuple[Place, Schema, Any]]:
    """Every place of a payload with its schema and value, the payload as a whole first."""
    schema = resolved(schema, root)
    yield (), schema, value
    if isinstance(value, dict):
        for name, item in value.items():
            if name in schema.get("properties", {}):
                for place, inner, found in places(schema["properties"][name], root, item):
                    yield (name, *place), inner, found
    elif isinstance(value, list) and "items" in schema:
        for index, item in enumerate(value):
            for place, inner, found in places(schema["items"], root, item):
                yield (index, *place), inner, found


def put(payload: Any, place: Place, value: Any) -> Any:
    """A copy of the payload with another value at a place."""
    if not place:
        return value
    key, *rest = place
    changed = copy.copy(payload)
    changed[key] = put(payload[key], tuple(rest), value)
    return changed


_TEXT = st.text(st.characters(codec="utf-8"), max_size=12)
_NUMBERS = st.one_of(
    st.integers(-(10**9), 10**9),
    st.decimals(-(10**6), 10**6, places=3),
    st.sampled_from([Decimal("1E+20"), Decimal("-2.5E-9"), Decimal("123456789012345")]),
)
_ANYTHING = st.recursive(
    st.none() | st.booleans() | _NUMBERS | _TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_TEXT, inner, max_size=3),
    max_leaves=5,
)
_ONE_IN_THREE = st.integers(0, 2).map(lambda number: number == 0)
_ONE_IN_EIGHT = st.integers(0, 7).map(lambda number: number == 0)


@st.composite
def valid(draw: st.DrawFn, schema: Schema) -> Any:
    """A payload the schema accepts. The deeper, the fewer optional fields, so that it stays readable."""
    return _draw(draw, schema, schema, 0)


@st.composite
def mutated(draw: st.DrawFn, schema: Schema, payload: Any) -> Any:
    """A valid payload with one place changed; most changes break a rule, some only come close."""
    place, inner, value = draw(st.sampled_from(list(places(schema, schema, payload))))
    return put(payload, place, draw(st.sampled_from(variants(inner, schema, value))))


def _draw(draw: st.DrawFn, schema: Schema, root: Schema, depth: int) -> Any:
    schema = resolved(schema, root)
    if "enum" in schema:
        return draw(st.sampled_from(schema["enum"]))
    match schema.get("type"):
        case "object":
            required = set(schema.get("required", ()))
            rare = _ONE_IN_THREE if depth < 2 else _ONE_IN_EIGHT
            made = {
                name: _draw(draw, item, root, depth + 1)
                for name, item in schema.get("properties", {}).items()
                if name in required or draw(rare)
            }
            return (
                made if "additionalProperties" in schema or draw(_ONE_IN_THREE) else {"extra": draw(_ANYTHING)} | made
            )
        case "array":
            fewest, most = schema.get("minItems", 0), schema.get("maxItems", 3)
            count = draw(st.integers(fewest, max(fewest, min(most, 3 if depth < 2 else 1))))
            return [_draw(draw, schema["items"], root, depth + 1) for _ in range(count)]
        case "string":
            return draw(_string(schema))
        case "integer":
            low, high = schema.get("minimum"), schema.get("maximum")
            return draw(st.integers(-(2**31) if low is None else int(low), 2**31 if high is None else int(high)))
        case "number":
            return draw(_number(schema))
        case "boolean":
            return draw(st.booleans())
        case _:
            return draw(_ANYTHING)


def _string(schema: Schema) -> st.SearchStrategy[str]:
    match schema.get("format"):
        case "date-time":
            return st.sampled_from(_DATE_TIMES) | st.datetimes().map(lambda moment: f"{moment.isoformat()}Z")
        case "uri":
            return st.sampled_from(_URIS)
    longest = schema.get("maxLength")
    if longest is None:
        return _TEXT
    return st.one_of(
        st.text(st.characters(codec="utf-8"), max_size=min(longest, 12)), st.just("x" * longest), st.just("é" * longest)
    )


def _number(schema: Schema) -> st.SearchStrategy[Any]:
    low, high = schema.get("minimum", -(10**6)), schema.get("maximum", 10**6)
    exact = 1 if "multipleOf" in schema else 3
    free = "minimum" not in schema and "maximum" not in schema and "multipleOf" not in schema
    return _NUMBERS if free else st.integers(int(low), int(high)) | st.decimals(low, high, places=exact)
