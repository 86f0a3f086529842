"""JSON Schema of every event, made of the catalogue.

Schemas are of draft 2020-12. Types that are used in several places stand in ``$defs`` once. A reader should not mind
fields that a schema does not name: later releases may add some.
"""

from __future__ import annotations

import functools
from collections.abc import Mapping
from typing import Any, Final

import msgspec.inspect as inspect
from msgspec import Struct

from voltbridge.csms.event_catalogue import EVENTS, EventKind, Telling
from voltbridge.csms.event_data import Nothing
from voltbridge.protocol.datetimes import DateTime
from voltbridge.protocol.structs import Payload

__all__ = ["DIALECT", "Schema", "Schemas", "closed", "event_schema"]

Schema = dict[str, Any]

DIALECT: Final = "https://json-schema.org/draft/2020-12/schema"
_LOCAL: Final = "#/$defs/"


class Schemas:
    """Makes schemas that share their definitions; ``refer`` is what a reference to one begins with."""

    def __init__(self, refer: str = _LOCAL) -> None:
        self._refer = refer
        self.definitions: dict[str, Schema] = {}

    def data(self, kind: EventKind) -> Schema:
        """Of an event's data."""
        found = [self._object(one, kind.more) if kind.more else self._struct(one) for one in kind.data]
        return found[0] if len(found) == 1 else {"anyOf": found}

    def event(self, kind: EventKind) -> Schema:
        """Of a whole event, as the stream and webhooks tell it."""
        properties: Schema = {
            "id": {
                "type": "string",
                "pattern": "^[0-9]{1,19}$",
                "description": "Grows from event to event.",
            },
            "type": {"const": kind.type},
            "at": {"type": "string", "format": "date-time"},
            "station_id": {"type": ["string", "null"], "description": "Null: it concerns no single station."},
            "data": self.data(kind),
        }
        required = ["id", "type", "at", "station_id", "data"]
        if kind.telling is Telling.LIVE:
            del properties["id"], required[0]
        return {
            "title": kind.type,
            "description": kind.text,
            "type": "object",
            "properties": properties,
            "required": required,
        }

    def _struct(self, struct: type[Struct]) -> Schema:
        name = _name(struct)
        if name not in self.definitions:
            self.definitions[name] = {}  # its place, for types that hold themselves
            self.definitions[name] = self._object(struct)
        return {"$ref": self._refer + name}

    def _object(self, struct: type[Struct], more: type[Struct] | None = None) -> Schema:
        """The struct written out. The names are Python's: the wire's are of one version, ours of none."""
        properties: Schema = {}
        required: list[str] = []
        for each in (struct, more):
            if each is None:
                continue
            shape = inspect.type_info(each)
            assert isinstance(shape, inspect.StructType)
            for field in shape.fields:
                properties[field.name] = self._of(field.type)
                if field.required:
                    required.append(field.name)
        schema: Schema = {"type": "object", "properties": properties}
        if required:
            schema["required"] = required
        if not issubclass(struct, Payload) and struct is not Nothing and struct.__doc__:
            schema = {"description": " ".join(struct.__doc__.split()), **schema}
        return schema

    def _of(self, shape: inspect.Type) -> Schema:
        match shape:
            case inspect.Metadata():
                return {**self._of(shape.type), **(shape.extra_json_schema or {})}
            case inspect.StructType():
                return self._struct(shape.cls)
            case inspect.UnionType():
                return _either([self._of(one) for one in shape.types])
            case inspect.ListType():
                limits = {"minItems": shape.min_length, "maxItems": shape.max_length}
                return {"type": "array", "items": self._of(shape.item_type), **_present(limits)}
            case inspect.DictType():
                return {"type": "object", "additionalProperties": self._of(shape.value_type)}
            case inspect.EnumType():
                return {"type": "string", "enum": [str(member.value) for member in shape.cls]}
            case inspect.StrType():
                lengths = {"minLength": shape.min_length, "maxLength": shape.max_length}
                return {"type": "string", **_present(lengths), **_present({"pattern": shape.pattern})}
            case inspect.BoolType():
                return {"type": "boolean"}
            case inspect.IntType():
                return {"type": "integer", **_present({"minimum": shape.ge, "maximum": shape.le})}
            case inspect.FloatType():
                return {"type": "number", **_present({"minimum": shape.ge, "maximum": shape.le})}
            case inspect.NoneType():
                return {"type": "null"}
            case inspect.AnyType():
                return {}
            case inspect.CustomType(cls=cls) if cls is DateTime:
                return {"type": "string", "format": "date-time"}
            case inspect.CustomType():
                return {"type": "object"}
        raise TypeError(f"an event's data cannot hold {shape}")


@functools.cache
def event_schema(type: str) -> Schema:
    """The schema of a whole event, complete in itself. Raises KeyError for a type that there is not."""
    schemas = Schemas()
    schema = {"$schema": DIALECT, **schemas.event(EVENTS[type])}
    if schemas.definitions:
        schema["$defs"] = schemas.definitions
    return schema


def closed(schema: Any) -> Any:
    """The same schema that takes no field it does not name: for tests, not for readers."""
    if isinstance(schema, Mapping):
        inner = {name: closed(value) for name, value in schema.items()}
        if isinstance(schema.get("properties"), Mapping) and schema.get("type") == "object":
            inner["additionalProperties"] = False
        return inner
    return [closed(item) for item in schema] if isinstance(schema, list) else schema


def _name(struct: type[Struct]) -> str:
    """Unique: types of messages have their version before them."""
    if not issubclass(struct, Payload):
        return struct.__name__
    version = struct.__module__.removeprefix("voltbridge.protocol.").partition(".")[0]
    return f"{version.upper()}{struct.__name__.removesuffix('Type')}"


def _either(schemas: list[Schema]) -> Schema:
    """Several types as one list of names where that says it all."""
    plain = [schema for schema in schemas if schema.keys() == {"type"}]
    rest = [schema for schema in schemas if schema.keys() != {"type"}]
    if len(rest) == 1 and all(schema == {"type": "null"} for schema in plain) and "enum" in rest[0]:
        return {**rest[0], "type": [rest[0]["type"], "null"], "enum": [*rest[0]["enum"], None]}
    if not rest:
        return {"type": [schema["type"] for schema in plain]}
    return {"anyOf": schemas}


def _present(limits: Mapping[str, Any]) -> Schema:
    return {name: value for name, value in limits.items() if value is not None}
