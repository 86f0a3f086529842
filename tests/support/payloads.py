"""A payload with everything in it: each optional field of a schema once, with values that tell their places apart."""

from __future__ import annotations

from typing import Any

from tests.strategies.payloads import resolved

__all__ = ["fullest"]

Schema = dict[str, Any]


def fullest(schema: Schema, root: Schema | None = None, name: str = "") -> Any:
    """Every property, in a list one item or as few as allowed, of an enumeration the last value."""
    root = root or schema
    schema = resolved(schema, root)
    if "enum" in schema:
        return schema["enum"][-1]
    match schema.get("type"):
        case "object":
            return {key: fullest(inner, root, key) for key, inner in schema.get("properties", {}).items()}
        case "array":
            return [fullest(schema["items"], root, name) for _ in range(max(1, schema.get("minItems", 1)))]
        case "string":
            formats = {"date-time": "2026-02-03T04:05:06.789Z", "uri": "https://example.com/a?b=c"}
            return formats.get(schema.get("format", ""), name)[: schema.get("maxLength")]
        case "integer":
            return _within(schema, 1 + len(name))
        case "number":
            return float(_within(schema, len(name) + 0.5))
        case "boolean":
            return True
        case _:
            return {"of any type": [1, "two"]}


def _within(schema: Schema, number: Any) -> Any:
    low, high = schema.get("minimum"), schema.get("maximum")
    if low is not None and number < low:
        return int(low)
    return int(high) if high is not None and number > high else number
