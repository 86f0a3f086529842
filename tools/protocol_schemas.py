"""The JSON schemas of every message, from the installed package ``ocpp``, corrected and brought into one shape."""

from __future__ import annotations

import copy
import json
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from protocol_facts import (
    ACTIONS_16,
    ACTIONS_21,
    ACTIONS_201,
    CORRECTIONS,
    ENUM_NAMES_16,
    OBJECT_NAMES_16,
    ActionFact,
    Correction,
)

__all__ = ["FACTS", "PACKAGES", "Schema", "load", "name_inline_types"]

Schema = dict[str, Any]

FACTS: dict[str, tuple[ActionFact, ...]] = {"1.6": ACTIONS_16, "2.0.1": ACTIONS_201, "2.1": ACTIONS_21}
PACKAGES = {"1.6": "v16", "2.0.1": "v201", "2.1": "v21"}


def load(version: str) -> dict[str, Schema]:
    """The corrected schemas of a version by the name of the message: ``AuthorizeRequest``, ``AuthorizeResponse``, ...

    Raises ValueError when the package's files are not those the tables were made for.
    """
    files = {path.stem: json.loads(path.read_bytes()) for path in sorted(_folder(version).glob("*.json"))}
    for correction in CORRECTIONS:
        if correction.version == version:
            _correct(files[correction.schema], correction)
    schemas: dict[str, Schema] = {}
    for fact in FACTS[version]:
        plain = version == "1.6" or not fact.answered
        schemas[f"{fact.name}Request"] = files.pop(fact.name if plain else f"{fact.name}Request")
        if fact.answered:
            schemas[f"{fact.name}Response"] = files.pop(f"{fact.name}Response")
    if files:
        raise ValueError(f"schemas without an action: {', '.join(files)}")
    return schemas


def name_inline_types(schemas: dict[str, Schema]) -> dict[str, Schema]:
    """1.6's schemas with the objects and enumerations it writes in place moved to ``definitions``, as 2.x has them.

    Raises ValueError when two that share a name differ.
    """
    named = {}
    for name, schema in schemas.items():
        named[name] = copy.deepcopy(schema)
        definitions = named[name].setdefault("definitions", {})
        _name_properties(name, named[name], definitions)
    return named


def _folder(version: str) -> Path:
    spec = find_spec("ocpp")
    if spec is None or not spec.submodule_search_locations:
        raise ValueError("the package ocpp is not installed")
    return Path(spec.submodule_search_locations[0]) / PACKAGES[version] / "schemas"


def _correct(schema: Schema, correction: Correction) -> None:
    *path, last = correction.path.split("/")
    node: Any = schema
    for key in path:
        node = node[key]
    if isinstance(node[last], list):
        node[last].remove(correction.found)
        return
    if node[last] != correction.found:
        raise ValueError(f"{correction.schema}: {correction.path} is {node[last]!r}, not {correction.found!r}")
    if correction.right is None:
        del node[last]
    else:
        node[last] = correction.right


def _name_properties(owner: str, schema: Schema, definitions: dict[str, Schema]) -> None:
    for name, value in schema.get("properties", {}).items():
        holder, key = (value, "items") if value.get("type") == "array" else (schema["properties"], name)
        inner = holder[key]
        if "enum" in inner:
            type_name = ENUM_NAMES_16[f"{owner}.{name}"]
        elif inner.get("type") == "object":
            type_name = OBJECT_NAMES_16[name]
            _name_properties(type_name, inner, definitions)
        else:
            continue
        if definitions.setdefault(type_name, inner) != inner:
            raise ValueError(f"{type_name} is not the same everywhere")
        holder[key] = {"$ref": f"#/definitions/{type_name}"}
