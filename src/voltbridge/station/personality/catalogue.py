"""All quirks by their names in files, in the order in which they act."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, Final

import msgspec

from voltbridge.station.personality import meter, replies, states, times, transactions, wording
from voltbridge.station.quirk import Quirk

__all__ = ["QUIRKS", "Quirks", "quirks_of"]

QUIRKS: Final[Mapping[str, type[Quirk]]] = MappingProxyType(
    {
        # What is said more, or not at all
        "status-before-boot": states.StatusBeforeBoot,
        "boots-at-every-connection": states.BootsAtEveryConnection,
        "ignores-boot-interval": states.IgnoresBootInterval,
        "never-finishing": states.NeverFinishing,
        "available-after-faulted": states.AvailableAfterFaulted,
        "suspended-ev-flaps": states.SuspendedEvFlaps,
        "status-repeated": states.StatusRepeated,
        "ended-without-started": transactions.EndedWithoutStarted,
        "meter-values-after-stop": transactions.MeterValuesAfterStop,
        "start-sent-twice": transactions.StartSentTwice,
        "stop-sent-twice": transactions.StopSentTwice,
        "floods-after-reconnect": wording.FloodsAfterReconnect,
        "heartbeat-instead-of-ping": wording.HeartbeatInsteadOfPing,
        "ignores-pings": wording.IgnoresPings,
        # What is said otherwise
        "stop-names-transaction": transactions.StopNamesTransaction,
        "meter-start": transactions.MeterStart,
        "meter-stop": transactions.MeterStop,
        "id-tokens": transactions.IdTokens,
        "charges-at-connector-zero": transactions.ChargesAtConnectorZero,
        "sequence-restarts": transactions.SequenceRestarts,
        "stop-reason": transactions.StopReasonIs,
        "reservation-zero": transactions.ReservationZero,
        "states-in-lower-case": states.StatesInLowerCase,
        "long-info": states.LongInfo,
        "register-resets-on-reboot": meter.RegisterResetsOnReboot,
        "register-by-phase": meter.RegisterByPhase,
        "empty-meter-values": meter.EmptyMeterValues,
        "unknown-measurands": meter.UnknownMeasurands,
        "meter-unit": meter.MeterUnit,
        "meter-values-written": meter.MeterValuesWritten,
        "clock-skewed": times.ClockSkewed,
        "clock-drifts": times.ClockDrifts,
        "clock-wrong-after-boot": times.ClockWrongAfterBoot,
        "timestamps": times.Timestamps,
        # How requests of the CSMS are answered
        "answers-slowly": replies.AnswersSlowly,
        "answers-twice": replies.AnswersTwice,
        "answers-not-at-all": replies.AnswersNotAtAll,
        "accepts-without-effect": replies.AcceptsWithoutEffect,
        "refuses": replies.Refuses,
        "configuration-keys": replies.ConfigurationKeys,
        "booleans-written": replies.BooleansWritten,
        "lists-with-spaces": replies.ListsWithSpaces,
        "error-details-as-text": replies.ErrorDetailsAsText,
        # How it is written
        "numbers-as-text": wording.NumbersAsText,
        "unknown-fields": wording.UnknownFields,
        "empty-fields": wording.EmptyFields,
        "fields-left-out": wording.FieldsLeftOut,
        "message-ids": wording.MessageIds,
        "frame-padding": wording.FramePadding,
    }
)
"""By name."""


def _attribute(name: str) -> str:
    return name.replace("-", "_")


Quirks: Final[type[msgspec.Struct]] = msgspec.defstruct(
    "Quirks",
    [(_attribute(name), kind | None | msgspec.UnsetType, msgspec.UNSET) for name, kind in QUIRKS.items()],
    rename={_attribute(name): name for name in QUIRKS},
    module=__name__,
    frozen=True,
    kw_only=True,
    forbid_unknown_fields=True,
)
"""A station's quirks as a file tells them: by name, with their arguments or nothing."""


def quirks_of(told: Any) -> tuple[Quirk, ...]:
    """The quirks of a ``Quirks``, in the order in which they act. Nothing behind a name: with its defaults."""
    found = []
    for name, kind in QUIRKS.items():
        quirk = getattr(told, _attribute(name))
        if quirk is not msgspec.UNSET:
            found.append(kind() if quirk is None else quirk)
    return tuple(found)
