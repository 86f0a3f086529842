"""The AsyncAPI document: its structure, its references, and that its schemas take what is really sent."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from voltbridge.csms.asyncapi import asyncapi_document
from voltbridge.csms.event_catalogue import EVENTS, Telling
from voltbridge.csms.webhooks.message import message_body, shown_event
from voltbridge.domain.events import Event, LiveEvent

REFERENCE = {
    "type": "object",
    "required": ["$ref"],
    "properties": {"$ref": {"type": "string", "pattern": "^#/"}},
    "additionalProperties": False,
}
TEXTS = {name: {"type": "string", "minLength": 1} for name in ("title", "summary", "description")}


def shape(required: list[str], **properties: Any) -> dict[str, Any]:
    """An object of AsyncAPI with these fields, and the texts that any has."""
    return {
        "type": "object",
        "required": required,
        "properties": {**TEXTS, **properties},
        "additionalProperties": False,
    }


def each(value: Any) -> dict[str, Any]:
    return {
        "type": "object",
        "minProperties": 1,
        "additionalProperties": value,
        "propertyNames": {"pattern": r"^[\w.-]+$"},
    }


STRUCTURE = shape(
    ["asyncapi", "info"],
    asyncapi={"const": "3.0.0"},
    info=shape(["title", "version"], version={"type": "string"}),
    defaultContentType={"const": "application/json"},
    servers=each(
        shape(
            ["host", "protocol"],
            host={"type": "string"},
            protocol={"type": "string"},
            security={"type": "array", "items": REFERENCE},
            variables=each(shape([], default={"type": "string"})),
        )
    ),
    channels=each(
        shape(
            ["address", "messages"],
            address={"type": ["string", "null"]},
            servers={"type": "array", "items": REFERENCE},
            messages=each(REFERENCE),
        )
    ),
    operations=each(
        shape(
            ["action", "channel"],
            action={"enum": ["send", "receive"]},
            channel=REFERENCE,
            bindings=shape([], http=shape([], method={"type": "string"}, bindingVersion={"type": "string"})),
        )
    ),
    components=shape(
        [],
        securitySchemes=each(shape(["type"], type={"const": "http"}, scheme={"const": "bearer"})),
        messages=each(
            shape(
                ["payload"],
                name={"type": "string"},
                contentType={"const": "application/json"},
                payload={"type": "object"},
                tags={"type": "array", "items": shape(["name"], name={"type": "string"})},
            )
        ),
        schemas=each({"type": "object"}),
    ),
)


@pytest.fixture(scope="module")
def document() -> dict[str, Any]:
    found: dict[str, Any] = json.loads(json.dumps(asyncapi_document()))
    return found


def test_it_has_the_structure_of_the_standard(document: dict[str, Any]) -> None:
    Draft202012Validator.check_schema(STRUCTURE)
    Draft202012Validator(STRUCTURE).validate(document)


def references(part: Any) -> Iterator[str]:
    if isinstance(part, dict):
        if "$ref" in part:
            yield part["$ref"]
        for inner in part.values():
            yield from references(inner)
    elif isinstance(part, list):
        for inner in part:
            yield from references(inner)


def test_every_reference_leads_somewhere(document: dict[str, Any]) -> None:
    found = set(references(document))
    for reference in found:
        at: Any = document
        for step in reference.removeprefix("#/").split("/"):
            at = at[step]
        assert at
    unused = {f"#/components/schemas/{name}" for name in document["components"]["schemas"]} - found
    assert unused == set()


def test_each_channel_has_the_events_that_it_tells(document: dict[str, Any]) -> None:
    told = {name: set(channel["messages"]) for name, channel in document["channels"].items()}
    assert told["stream"] == {type for type, kind in EVENTS.items() if kind.telling is not Telling.TEST}
    assert told["webhook"] == {type for type, kind in EVENTS.items() if kind.telling is not Telling.LIVE}
    assert set(document["components"]["messages"]) == set(EVENTS)


def test_payloads_take_what_is_sent(document: dict[str, Any]) -> None:
    def problems(type: str, message: Any) -> list[str]:
        payload = document["components"]["messages"][type]["payload"]
        schema = {**payload, "components": document["components"]}
        return [error.message for error in Draft202012Validator(schema).iter_errors(message)]

    at = datetime(2026, 5, 1, tzinfo=UTC)
    how = {"protocol": "ocpp1.6", "remote_address": "::1", "secure": False, "security_profile": 0}
    event = Event(5, "station.connected", at, "CP-1", how)
    body = json.loads(message_body([event], batched=False))
    assert problems("station.connected", body) == []
    assert json.loads(message_body([event, event], batched=True)) == {"events": [body, body]}
    assert problems("station.connected", {**body, "type": "station.boot"})
    assert problems("station.connected", {**body, "data": {}})
    live = LiveEvent("meter_values", at, "CP-1", {"evse_id": 1, "connector_id": 1, "transaction_id": None})
    shown = {**shown_event(live), "data": {**live.data, "meter_values": []}}
    assert "id" not in shown and problems("meter_values", json.loads(json.dumps(shown))) == []
