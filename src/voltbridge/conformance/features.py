"""What a charging station can have that no variable of it tells: the words of ``features`` in the kit's configuration.

A case about something that the station is not said to have does not run, and says so.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import Final

__all__ = ["FEATURES", "UNKNOWN_TRIGGER", "unknown_features"]

UNKNOWN_TRIGGER: Final = "TriggerMessage that does not know "
"""Followed by the name of a message: triggering it is answered NotImplemented."""

FEATURES: Final[Mapping[str, str]] = MappingProxyType(
    {
        "SignCombinedCertificate that can be triggered": "TriggerMessage asks for the combined certificate",
        UNKNOWN_TRIGGER + "MESSAGE": "the station answers NotImplemented when this message is triggered",
        "attached cable": "the cable hangs at the station, so unplugging is at the vehicle",
        "cable lock": "the connector locks the cable while it charges, and can be unlocked by the CSMS",
        "cable that is connected before authorization": "drivers have to plug in first",
        "customer identifiers": "the station keeps data under identifiers of customers that are no idTokens",
        "downloads that wait for charging": "firmware is downloaded only while nothing charges",
        "hard-wired monitors": "monitors that come with the station and cannot be removed",
        "hard-wired notifications": "events that the station tells without a monitor",
        "high level communication": "vehicles talk ISO 15118 to the station",
        "installation while charging": "firmware is installed while transactions go on",
        "lock that keeps cables out until authorization": "nothing can be plugged in before a token was shown",
        "no certificates": "a station of 1.6 without the certificates of the security whitepaper",
        "preconfigured monitors": "monitors set by the manufacturer that can be replaced",
        "reader for several EVSEs": "a token shown is not for one EVSE: the driver chooses by plugging in",
        "reconnects after NetworkProfileConnectionAttempts": "a lost connection is sought as the profile says",
        "reset of an EVSE": "ResetRequest may name an EVSE",
        "screen for master passes": "the driver of a master pass chooses on a screen what to stop",
        "signed firmware": "a station of 1.6 that installs signed firmware",
        "summary inventory": "GetBaseReport knows SummaryInventory",
        "unsigned firmware": "a station of 1.6 that installs firmware without a signature",
        "updates that cannot be cancelled": "an update under way is not given up for another",
    }
)
"""By name, what it says of the station."""


def unknown_features(names: Iterable[str]) -> list[str]:
    """Those that are no features."""
    return sorted(name for name in names if name not in FEATURES and not name.startswith(UNKNOWN_TRIGGER))
