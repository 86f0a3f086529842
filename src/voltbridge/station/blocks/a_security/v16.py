"""Security events in the words of 1.6 (security whitepaper)."""

from __future__ import annotations

from typing import Final

from msgspec import UNSET

from voltbridge.protocol import v16
from voltbridge.protocol.datetimes import DateTime
from voltbridge.station.facts import SecurityEventFact
from voltbridge.station.speaker import Speaker

__all__ = ["security_event_request"]

_NAMES: Final = {
    "CsmsFailedToAuthenticate": "CentralSystemFailedToAuthenticate",
    "FailedToAuthenticateAtCsms": "FailedToAuthenticateAtCentralSystem",
    "InvalidChargingStationCertificate": "InvalidChargePointCertificate",
    "InvalidCsmsCertificate": "InvalidCentralSystemCertificate",
}
"""Names of 2.x for what the whitepaper calls otherwise."""


def security_event_request(fact: SecurityEventFact, speaker: Speaker) -> v16.SecurityEventNotificationRequest:
    """A04 of the whitepaper."""
    del speaker
    event = _NAMES.get(fact.event, fact.event)
    return v16.SecurityEventNotificationRequest(
        type=event[:50], timestamp=DateTime.of(fact.at), tech_info=fact.info[:255] or UNSET
    )
