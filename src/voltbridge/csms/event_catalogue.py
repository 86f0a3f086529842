"""Every domain event: its type, what it means, and what it carries.

A test holds this table against the code: whatever the code emits has a row here, every row is emitted somewhere, and
the data of every event that a test makes happen keeps its row's schema. ``event_schemas.py`` makes JSON Schema and
AsyncAPI of it.

A new event is a row: its type (dotted, noun first), a sentence, and what its data may be: a struct of
``event_data``, or the messages of the versions that it is made of (``message_data``: a message's fields in
snake_case).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from msgspec import Struct

from voltbridge.csms import event_data as data
from voltbridge.protocol import v16, v21, v201

__all__ = ["EVENTS", "EventKind", "Telling"]


class Telling(StrEnum):
    """Who can hear of an event."""

    STORED = "stored"
    """Kept, on the stream, and delivered to webhooks."""
    LIVE = "live"
    """On the stream for those who listen at that moment; not kept."""
    TEST = "test"
    """Sent to one webhook on demand; not kept."""


_Struct = type[Struct]


@dataclass(frozen=True, slots=True)
class EventKind:
    """One type of event."""

    type: str
    text: str
    data: tuple[_Struct, ...]
    """Its data is one of these: structs of ``event_data``, or messages."""
    more: _Struct | None = None
    """What stands beside the fields of any of them."""
    telling: Telling = Telling.STORED


def _kind(
    type: str, text: str, *data: _Struct, more: _Struct | None = None, telling: Telling = Telling.STORED
) -> EventKind:
    return EventKind(type, text, data, more, telling)


_STATIONS: Final = (
    _kind("station.awaiting_adoption", "A station never seen before waits in the inbox.", data.StationFound),
    _kind(
        "station.adopted",
        "A station was accepted: by the operator, or at its first connection where all are taken.",
        data.StationDecided,
        data.StationFound,
    ),
    _kind("station.suspended", "The next boots of a station are answered Pending.", data.StationDecided),
    _kind("station.rejected", "A station was turned down; its connection ends.", data.StationDecided),
    _kind("station.provisioned", "A station was made known before it first connected.", data.StationProvisioned),
    _kind("station.settings_changed", "Settings of a station were changed.", data.StationSettingsChanged),
    _kind("station.deleted", "A station was forgotten; its transactions stay.", data.Nothing),
    _kind("station.refused", "A connection was turned away at the door.", data.StationRefused),
    _kind("station.connected", "A station has connected.", data.StationConnected),
    _kind("station.disconnected", "A station's connection has ended.", data.StationDisconnected),
    _kind("station.boot", "A station has booted.", data.StationBoot),
    _kind("connector.status", "A connector's status, or what came with it, has changed.", data.ConnectorStatusChanged),
    _kind("data_transfer.received", "A vendor's message has come.", data.DataTransferReceived),
    _kind("variables.reported", "A part of a report of variables has come.", data.VariablesReported),
    _kind("variables.written", "Variables were written to a station.", data.VariablesWritten),
    _kind("configuration.changed", "A desired configuration was made, changed or deleted.", data.ConfigurationChanged),
    _kind(
        "configuration.repaired",
        "Values of a station that were not as desired were written.",
        data.ConfigurationRepaired,
    ),
)

_CHARGING: Final = (
    _kind("token.authorized", "A station has asked whether a token may charge.", data.TokenAuthorized),
    _kind(
        "token.anonymised",
        "A customer's token was taken out of everything kept; the event does not tell which.",
        data.TokenAnonymised,
    ),
    _kind("local_list.selected", "It was said which tokens a station's list is to have.", data.LocalListSelected),
    _kind("local_list.stale", "A station's list is behind, because tokens have changed.", data.LocalListStale),
    _kind("local_list.drifted", "A station tells another version of its list than expected.", data.LocalListDrifted),
    _kind("local_list.updated", "A station's list was brought up to date.", data.LocalListUpdated),
    _kind("local_list.failed", "A station's list could not be brought up to date.", data.LocalListFailed),
    _kind("reservation.created", "A station has accepted a reservation, or shows it again.", data.ReservationAbout),
    _kind("reservation.changed", "A station has accepted other terms of a reservation.", data.ReservationAbout),
    _kind(
        "reservation.unanswered",
        "A station did not answer to a reservation or its change, and may have it.",
        data.ReservationAbout,
    ),
    _kind("reservation.rejected", "A station has refused a reservation.", data.ReservationAbout),
    _kind("reservation.used", "A reservation was used.", data.ReservationAbout),
    _kind("reservation.expired", "The time of a reservation is over.", data.ReservationAbout),
    _kind("reservation.removed", "A station has given a reservation up, or does not have it.", data.ReservationAbout),
    _kind("reservation.cancelled", "A station has cancelled a reservation.", data.ReservationAbout),
    _kind("reservation.unknown", "A transaction ended a reservation nobody made here.", data.ReservationUnknown),
    _kind("transaction.started", "A transaction has started.", data.TransactionTold),
    _kind(
        "transaction.updated",
        "A transaction's course has changed: its state, place or tokens. Its energy alone makes no event.",
        data.TransactionTold,
    ),
    _kind("transaction.ended", "A transaction has ended.", data.TransactionTold),
    _kind(
        "transaction.closed",
        "A transaction whose end will not arrive was closed.",
        data.TransactionClosed,
    ),
    _kind("transaction.costed", "The cost of a transaction that is over is known.", data.TransactionCosted),
    _kind(
        "transaction.cost_corrected",
        "Late messages have changed the cost of a transaction that was over.",
        data.TransactionCostCorrected,
    ),
    _kind("tariff.created", "A tariff was made.", data.TariffAbout),
    _kind("tariff.changed", "A tariff was changed; running transactions keep theirs.", data.TariffAbout),
    _kind("tariff.deleted", "A tariff was deleted.", data.TariffAbout),
    _kind("tariff.assigned", "It was said for whom and where a tariff is.", data.TariffAssigned),
    _kind("tariff.withdrawn", "A tariff is no longer for those whom an assignment named.", data.TariffWithdrawn),
    _kind("meter_values", "A meter was read.", data.MeterValuesReceived, telling=Telling.LIVE),
    _kind("charging_profile.created", "A named charging profile was made.", data.ChargingProfileKept),
    _kind("charging_profile.changed", "A named charging profile was changed.", data.ChargingProfileKept),
    _kind("charging_profile.deleted", "A named charging profile was deleted.", data.ChargingProfileDeleted),
    _kind("charging_profile.set", "A station has taken a charging profile.", data.ChargingProfileSet),
    _kind("charging_profile.cleared", "A station has cleared charging profiles.", data.ChargingProfileCleared),
    _kind(
        "charging_profiles.reported",
        "A part of a station's report of its charging profiles has come.",
        v201.ReportChargingProfilesRequest,
        v21.ReportChargingProfilesRequest,
    ),
    _kind(
        "charging_limit.set",
        "Somebody other than the CSMS limits a station.",
        v201.NotifyChargingLimitRequest,
        v21.NotifyChargingLimitRequest,
    ),
    _kind(
        "charging_limit.cleared",
        "A limit that somebody else had set is gone.",
        v201.ClearedChargingLimitRequest,
        v21.ClearedChargingLimitRequest,
    ),
    _kind(
        "charging_needs.received",
        "A vehicle has said what it needs.",
        v201.NotifyEVChargingNeedsRequest,
        v21.NotifyEVChargingNeedsRequest,
        more=data.Answered,
    ),
    _kind("charging_needs.offered", "A vehicle was offered a schedule.", data.ChargingNeedsOffered),
    _kind(
        "charging_schedule.planned",
        "A vehicle has said what it will take.",
        v201.NotifyEVChargingScheduleRequest,
        v21.NotifyEVChargingScheduleRequest,
        more=data.Answered,
    ),
    _kind(
        "priority_charging.changed",
        "Priority charging was switched on or off at a station.",
        v21.NotifyPriorityChargingRequest,
    ),
    _kind("site.created", "A site's load is managed from now on.", data.SiteAbout),
    _kind("site.changed", "A site was changed.", data.SiteAbout),
    _kind("site.deleted", "A site's load is managed no longer.", data.SiteAbout),
    _kind("site.limit_set", "A station has taken its share of a site.", data.SiteLimitSet),
    _kind("site.limit_failed", "A station has not taken its share of a site.", data.SiteLimitFailed),
)

_COMMANDS: Final = (
    _kind("command.queued", "A command waits for its station.", data.CommandAbout),
    _kind("command.sent", "A command is on its way to its station.", data.CommandAbout),
    _kind("command.accepted", "A station has accepted a command.", data.CommandAbout),
    _kind("command.rejected", "A station has rejected a command.", data.CommandAbout),
    _kind("command.failed", "A command has brought an error, or could not be sent.", data.CommandAbout),
    _kind("command.timed_out", "A command was not answered in time.", data.CommandAbout),
    _kind("command.cancelled", "A command was cancelled before it was sent.", data.CommandAbout),
    _kind("command.expired", "A command has waited for too long and is not sent.", data.CommandAbout),
    _kind("command.progress", "A station tells how far it is with a command.", data.CommandOutcome),
    _kind("command.outcome_completed", "What a command asked for is done.", data.CommandOutcome),
    _kind("command.outcome_failed", "What a command asked for did not come about.", data.CommandOutcome),
    _kind(
        "command.outcome_corrected",
        "What became of a command was taken for something else before: firmware that was given up is there after all.",
        data.CommandOutcome,
    ),
    _kind("operation.started", "A command to many stations has begun.", data.OperationAbout),
    _kind("operation.progress", "A command to many stations has come further.", data.OperationAbout),
    _kind("operation.finished", "A command to many stations is over.", data.OperationAbout),
    _kind("rollout.started", "A rollout has begun.", data.RolloutAbout),
    _kind("rollout.stage_finished", "A stage of a rollout is over and the next begins.", data.RolloutAbout),
    _kind("rollout.paused", "A rollout was paused.", data.RolloutAbout),
    _kind("rollout.resumed", "A rollout goes on.", data.RolloutAbout),
    _kind("rollout.stopped", "Too many stations of a rollout have failed.", data.RolloutAbout),
    _kind(
        "rollout.corrected",
        "A station of a rollout has come to another end than was told; who was stopped by it is not resumed.",
        data.RolloutCorrected,
    ),
    _kind("rollout.cancelled", "A rollout was cancelled.", data.RolloutAbout),
    _kind("rollout.finished", "Every station of a rollout has come to its end.", data.RolloutAbout),
)

_NOTIFICATIONS: Final = (
    _kind(
        "security.event",
        "A station has told a security event.",
        v16.SecurityEventNotificationRequest,
        v201.SecurityEventNotificationRequest,
        v21.SecurityEventNotificationRequest,
    ),
    _kind(
        "reservation.status",
        "A reservation has ended at a station.",
        v201.ReservationStatusUpdateRequest,
        v21.ReservationStatusUpdateRequest,
    ),
    _kind(
        "firmware.status",
        "A station tells how far a firmware update is.",
        v16.FirmwareStatusNotificationRequest,
        v16.SignedFirmwareStatusNotificationRequest,
        v201.FirmwareStatusNotificationRequest,
        v21.FirmwareStatusNotificationRequest,
    ),
    _kind(
        "firmware.publish_status",
        "A local controller tells how far it is with publishing firmware.",
        v201.PublishFirmwareStatusNotificationRequest,
        v21.PublishFirmwareStatusNotificationRequest,
    ),
    _kind(
        "diagnostics.status",
        "A station tells how far the upload of its diagnostics is.",
        v16.DiagnosticsStatusNotificationRequest,
    ),
    _kind(
        "log.status",
        "A station tells how far the upload of a log is.",
        v16.LogStatusNotificationRequest,
        v201.LogStatusNotificationRequest,
        v21.LogStatusNotificationRequest,
    ),
    _kind("station.event", "What a station's monitors saw.", v201.NotifyEventRequest, v21.NotifyEventRequest),
    _kind(
        "station.event_parts_missing",
        "Parts of what a station's monitors saw have not come.",
        data.StationEventPartsMissing,
    ),
    _kind("monitoring.reported", "A part of a station's report of its monitors has come.", data.MonitoringReported),
    _kind("monitoring.set", "A station has answered to monitors that were to be set.", data.MonitorsChanged),
    _kind("monitoring.cleared", "A station has answered to monitors that were to be cleared.", data.MonitorsChanged),
    _kind("monitoring.base_set", "A station has taken another monitoring base.", data.MonitoringBaseSet),
    _kind("monitoring.level_set", "A station has taken another monitoring level.", data.MonitoringLevelSet),
    _kind("alert.opened", "Something is wrong at a station.", data.AlertAbout),
    _kind("alert.reopened", "What a station had cleared a moment ago is wrong again.", data.AlertAbout),
    _kind("alert.acknowledged", "An operator has seen an alert.", data.AlertAbout),
    _kind("alert.closed", "An alert is over: a station has cleared it, or an operator says so.", data.AlertAbout),
    _kind(
        "customer_information.reported",
        "A part of what a station knows of a customer has come; the text is read apart.",
        data.CustomerInformationTold,
    ),
    _kind(
        "customer_information.cleared",
        "A station was to forget a customer, and has accepted that.",
        data.CustomerInformationRequested,
    ),
    _kind(
        "customer_information.forgotten",
        "What a station had told of a customer was deleted here.",
        data.CustomerInformationRequested,
    ),
    _kind("display_message.set", "A station has taken a message for its display.", data.DisplayMessageAbout),
    _kind("display_message.rejected", "A station does not show a message.", data.DisplayMessageTold),
    _kind("display_message.cleared", "A station has taken a message off its display.", data.DisplayMessageAbout),
    _kind("display_message.replaced", "Another message is always in front instead.", data.DisplayMessageTold),
    _kind("display_message.expired", "A message has ended with its time or transaction.", data.DisplayMessageTold),
    _kind("display_message.missing", "A report of the station lacks a message it took.", data.DisplayMessageAbout),
    _kind(
        "display_messages.reported",
        "A part of a station's report of its display messages has come.",
        v201.NotifyDisplayMessagesRequest,
        v21.NotifyDisplayMessagesRequest,
    ),
    _kind("der.alarm", "A station tells a grid event at its inverter.", v21.NotifyDERAlarmRequest),
    _kind("der.control_changed", "A DER control was started or stopped.", v21.NotifyDERStartStopRequest),
    _kind("der.controls_reported", "A part of a report of DER controls has come.", v21.ReportDERControlRequest),
    _kind("battery.swap", "Batteries were taken or given back.", v21.BatterySwapRequest),
)

_FILES: Final = (
    _kind("log.ended", "A log that a station was asked for was delivered, or will not be.", data.LogEnded),
    _kind("firmware.added", "A file was said to be firmware.", data.FirmwareAdded),
    _kind("firmware.deleted", "Firmware was forgotten; its file stays.", data.FirmwareDeleted),
    _kind("firmware.update_ended", "An update of a station's firmware is over.", data.FirmwareUpdateEnded),
    _kind(
        "firmware.version_mismatch",
        "A station has told that firmware is installed, and boots with another version.",
        data.FirmwareVersionMismatch,
    ),
    _kind("file.added", "A file was uploaded by the operator.", data.FileAbout),
    _kind("file.delivered", "A station has delivered a file.", data.FileAbout),
    _kind("file.fetched", "All of a file has left for a station.", data.FileFetched),
    _kind("file.deleted", "A file was deleted.", data.FileDeleted),
    _kind(
        "file.address_refused",
        "A station has used an address of a file that is of no use any more, or somebody one that never was.",
        data.FileAddressRefused,
        data.FileStrangerRefused,
    ),
)

_WEBHOOKS: Final = (
    _kind("webhook.created", "A webhook was made.", data.WebhookAbout),
    _kind("webhook.changed", "A webhook was changed.", data.WebhookChanged),
    _kind("webhook.deleted", "A webhook was deleted.", data.WebhookAbout),
    _kind("webhook.paused", "A webhook has failed for too long and is paused.", data.WebhookPaused),
    _kind("webhook.resumed", "A webhook delivers again after a pause.", data.WebhookAbout),
    _kind(
        "webhook.delivery_dead", "An event was given up for a webhook; it can be replayed.", data.WebhookDeliveryDead
    ),
    _kind("webhook.events_missed", "Events were removed before they could be delivered.", data.WebhookEventsMissed),
    _kind("webhook.test", "A webhook is being tried.", data.WebhookTest, telling=Telling.TEST),
)

_SERVER: Final = (
    _kind("server_certificate.renewed", "Connections now begin with another certificate.", data.ServerCertificateAbout),
    _kind(
        "server_certificate.refused",
        "New certificate files cannot be used; those read before stay in force.",
        data.ServerCertificateRefused,
    ),
    _kind(
        "server_certificate.expiring",
        "A certificate has less than 30 days left, or has expired; told once a day.",
        data.ServerCertificateExpiring,
    ),
)

EVENTS: Final[Mapping[str, EventKind]] = {
    kind.type: kind
    for kinds in (_STATIONS, _CHARGING, _COMMANDS, _NOTIFICATIONS, _FILES, _WEBHOOKS, _SERVER)
    for kind in kinds
}
"""All events by their types."""
