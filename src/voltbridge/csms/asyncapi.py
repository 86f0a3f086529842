"""The events as an AsyncAPI 3.0 document: the stream that clients read and the webhooks that receivers are sent."""

from __future__ import annotations

import functools
from typing import Any, Final

from voltbridge import __version__
from voltbridge.csms.event_catalogue import EVENTS, EventKind, Telling
from voltbridge.csms.event_schemas import Schema, Schemas

__all__ = ["asyncapi_document"]

_STREAM_TEXT: Final = """\
Server-Sent Events. The field `id` of an event that is kept is where a reader resumes (`Last-Event-ID`, or the query
`after`); `event` is its type and `data` the message described here. Events that are not kept have no `id`, and are
missed by whoever does not listen.
"""
_SIGNED_TEXT: Final = """\
Headers: `webhook-id`, `webhook-timestamp` (seconds), `webhook-signature`: `v1,` and the base64 of an HMAC-SHA256 over
id, timestamp and body with dots between them, keyed with the secret; two of them with a space between while secrets are
exchanged.
"""
_WEBHOOK_TEXT: Final = """\
An HTTP POST for each event, or for several where the webhook says so (`{"events": [...]}`), in the order of their ids.
Any status from 200 to 299 takes it. It may come twice, then with the same `webhook-id`. The signature is that of
Standard Webhooks.
"""


@functools.cache
def asyncapi_document() -> dict[str, Any]:
    """The whole document. It must not be changed."""
    schemas = Schemas("#/components/schemas/")
    kinds = list(EVENTS.values())
    messages = {kind.type: _message(kind, schemas) for kind in kinds}
    streamed = [kind.type for kind in kinds if kind.telling is not Telling.TEST]
    delivered = [kind.type for kind in kinds if kind.telling is not Telling.LIVE]
    return {
        "asyncapi": "3.0.0",
        "info": {
            "title": "Voltbridge events",
            "version": __version__,
            "description": "What happens at charging stations and in the server, as it is told outside.",
        },
        "defaultContentType": "application/json",
        "servers": {
            "api": {
                "host": "localhost:8080",
                "protocol": "http",
                "description": "The REST API, where the operator put it.",
                "security": [{"$ref": "#/components/securitySchemes/adminKey"}],
            },
            "receiver": {
                "host": "{receiver}",
                "protocol": "https",
                "description": "A receiver that the operator named (`POST /webhooks`).",
                "variables": {"receiver": {"description": "Host, and port where it has one."}},
            },
        },
        "channels": {
            "stream": {
                "address": "/api/v1/events",
                "title": "The event stream",
                "description": _STREAM_TEXT,
                "servers": [{"$ref": "#/servers/api"}],
                "messages": {type: {"$ref": f"#/components/messages/{type}"} for type in streamed},
            },
            "webhook": {
                "address": None,
                "title": "A webhook",
                "description": _WEBHOOK_TEXT,
                "servers": [{"$ref": "#/servers/receiver"}],
                "messages": {type: {"$ref": f"#/components/messages/{type}"} for type in delivered},
            },
        },
        "operations": {
            "tellReaders": {
                "action": "send",
                "channel": {"$ref": "#/channels/stream"},
                "summary": "Events, as long as the reader stays.",
                "bindings": {"http": {"method": "GET", "bindingVersion": "0.3.0"}},
            },
            "callReceiver": {
                "action": "send",
                "channel": {"$ref": "#/channels/webhook"},
                "summary": "Events that the webhook wants.",
                "bindings": {"http": {"method": "POST", "bindingVersion": "0.3.0"}},
                "description": _SIGNED_TEXT,
            },
        },
        "components": {
            "securitySchemes": {
                "adminKey": {"type": "http", "scheme": "bearer", "description": "The key in the admin.key file."}
            },
            "messages": messages,
            "schemas": schemas.definitions,
        },
    }


def _message(kind: EventKind, schemas: Schemas) -> Schema:
    return {
        "name": kind.type,
        "title": kind.type,
        "summary": kind.text,
        "contentType": "application/json",
        "payload": schemas.event(kind),
        "tags": [{"name": kind.type.partition(".")[0]}, {"name": kind.telling.value}],
    }
