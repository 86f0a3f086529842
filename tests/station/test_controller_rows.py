"""Every row of what a charge controller of 1.6 offers its operators: its setting, and the test that shows its effect.

The rows are those of a manufacturer's page on its backend: the messages it supports, and the parameters of its web
interface. A parameter's setting is a key of 1.6, or a field of ``StationConfiguration`` where it belongs to whoever
puts the station up.
"""

from __future__ import annotations

import dataclasses
import importlib
from typing import Final, NamedTuple

import pytest

from voltbridge.protocol.versions import Version
from voltbridge.station.configuration import StationConfiguration
from voltbridge.station.dispatch import ROUTES
from voltbridge.station.keys_v16 import KEYS
from voltbridge.station.wording import WORDINGS

V16 = Version.V16


class Row(NamedTuple):
    """A parameter, its settings, and the test that shows the effect: ``module.test``."""

    parameter: str
    settings: tuple[str, ...]
    test: str


_OWN: Final = "test_controller_settings"

ROWS: Final = (
    Row("Connection Type", ("ConnectionType",), f"{_OWN}.test_the_type_of_the_connection"),
    Row("OCPP ChargeBoxIdentity", ("identity",), "test_link.test_the_identity_is_encoded_in_the_address"),
    Row("OCPP Mode", ("versions",), "test_link.test_the_csms_chooses_among_the_versions_offered"),
    Row(
        "WebSockets JSON OCPP URL of the Backend",
        ("csms_url", "NetworkConnectionProfile1", "NetworkConnectionProfile2"),
        "blocks.test_b_provisioning.test_migration_to_another_csms_in_16",
    ),
    Row("WebSockets proxy", ("WebSocketsProxy",), f"{_OWN}.test_a_proxy_counts_after_a_restart"),
    Row(
        "WebSockets keep-alive interval",
        ("WebSocketPingInterval",),
        "test_connection.test_a_changed_ping_interval_counts_at_once",
    ),
    Row("OCPP connection strictness", ("ConnectionStrictness",), f"{_OWN}.test_how_strict_tls_is"),
    Row(
        "HTTP Basic Authentication password",
        ("AuthorizationKey", "password"),
        "test_credentials.test_a_new_password_is_used_from_a_new_connection_on",
    ),
    Row("Send status for webui login event", ("SendStatusForWebuiLogin",), f"{_OWN}.test_logins_and_other_information"),
    Row("SSL Strictness as client", ("SslStrictness",), f"{_OWN}.test_how_strict_tls_is"),
    Row("Force Heartbeat request messages", ("ForceHeartbeat",), f"{_OWN}.test_heartbeats_may_be_forced"),
    Row(
        "TCP Watchdog Timeout",
        ("TcpWatchdogTimeout",),
        "test_networks.test_the_watchdog_restarts_the_controller_and_says_so",
    ),
    Row(
        "Backend connection timeout",
        ("BackendConnectionTimeout",),
        f"{_OWN}.test_how_long_an_attempt_to_connect_may_take",
    ),
    Row(
        "Disallow charging if OCPP queue full",
        ("DisallowChargingIfQueueFull", "QueueCapacity"),
        "test_networks.test_a_full_queue_stops_charging_where_that_is_configured",
    ),
    Row(
        "Display backend disconnect as error",
        ("DisplayBackendDisconnectAsError",),
        f"{_OWN}.test_a_disconnect_is_an_error_on_the_display_from_the_first_failure_on",
    ),
    Row(
        "Send informative StatusNotifications",
        ("SendInformativeStatusNotifications",),
        f"{_OWN}.test_logins_and_other_information",
    ),
    Row(
        "Send error StatusNotifications",
        ("SendErrorStatusNotifications",),
        f"{_OWN}.test_errors_warnings_and_devices_at_usb",
    ),
    Row(
        "Send USB error StatusNotifications",
        ("SendUsbErrorStatusNotifications",),
        f"{_OWN}.test_errors_warnings_and_devices_at_usb",
    ),
    Row(
        "State 'unavailable' at FW update begin",
        ("UnavailableAtFirmwareUpdateBegin",),
        "blocks.test_l_firmware.test_whether_an_update_that_begins_makes_connectors_unavailable",
    ),
    Row("Force OCPP connector state", ("ForceConnectorState",), f"{_OWN}.test_a_forced_state_of_the_connectors"),
    Row(
        "Strategy for StatusNotification",
        ("StatusNotificationStrategy",),
        f"{_OWN}.test_when_a_connector_counts_as_in_use",
    ),
    Row("Allow long get configuration keys", ("AllowLongGetConfigurationKeys",), f"{_OWN}.test_long_values"),
    Row("Integer values for boolean config keys", ("IntegerValuesForBooleans",), f"{_OWN}.test_booleans_as_numbers"),
    Row(
        "Number of transaction message attempts",
        ("TransactionMessageAttempts", "TransactionMessageRetryInterval"),
        "test_networks.test_a_csms_that_does_not_answer_hears_it_again_and_then_no_more",
    ),
    Row(
        "Eichrecht transaction message attempts",
        ("EichrechtTransactionMessageAttempts",),
        f"{_OWN}.test_attempts_of_legally_relevant_messages",
    ),
    Row(
        "DataTransfer for Tariff And Total Usage",
        ("DataTransferForTariffAndTotalUsage",),
        f"{_OWN}.test_tariff_and_total_usage_by_data_transfer",
    ),
    Row(
        "Meter values sampled data (OCPP)",
        ("MeterValuesSampledData", "StopTxnSampledData"),
        "blocks.test_j_meter_values.test_samples_of_a_transaction",
    ),
    Row(
        "Meter Value Sample Interval (OCPP)",
        ("MeterValueSampleInterval",),
        "blocks.test_j_meter_values.test_samples_of_a_transaction",
    ),
    Row(
        "Meter values aligned data (OCPP)",
        ("MeterValuesAlignedData", "StopTxnAlignedData"),
        "blocks.test_j_meter_values.test_readings_by_the_clock",
    ),
    Row(
        "Clock aligned data interval (OCPP)",
        ("ClockAlignedDataInterval",),
        "blocks.test_j_meter_values.test_readings_by_the_clock",
    ),
    Row(
        "Retransmit MeterValues",
        ("RetransmitMeterValues",),
        f"{_OWN}.test_readings_are_sent_again_where_that_is_set",
    ),
)

PARAMETERS: Final = frozenset(
    {
        "Connection Type",
        "OCPP ChargeBoxIdentity",
        "OCPP Mode",
        "WebSockets JSON OCPP URL of the Backend",
        "WebSockets proxy",
        "WebSockets keep-alive interval",
        "OCPP connection strictness",
        "HTTP Basic Authentication password",
        "Send status for webui login event",
        "SSL Strictness as client",
        "Force Heartbeat request messages",
        "TCP Watchdog Timeout",
        "Backend connection timeout",
        "Disallow charging if OCPP queue full",
        "Display backend disconnect as error",
        "Send informative StatusNotifications",
        "Send error StatusNotifications",
        "Send USB error StatusNotifications",
        "State 'unavailable' at FW update begin",
        "Force OCPP connector state",
        "Strategy for StatusNotification",
        "Allow long get configuration keys",
        "Integer values for boolean config keys",
        "Number of transaction message attempts",
        "Eichrecht transaction message attempts",
        "DataTransfer for Tariff And Total Usage",
        "Meter values sampled data (OCPP)",
        "Meter Value Sample Interval (OCPP)",
        "Meter values aligned data (OCPP)",
        "Clock aligned data interval (OCPP)",
        "Retransmit MeterValues",
    }
)
"""As the page lists them."""

MESSAGES: Final = {
    "Authorize": "blocks.test_c_authorization.test_refused_tokens_get_nothing",
    "BootNotification": "blocks.test_b_provisioning.test_boot_then_the_states_of_all_connectors",
    "CancelReservation": f"{_OWN}.test_a_reservation_and_its_end",
    "ChangeAvailability": "blocks.test_g_availability.test_one_evse_and_back",
    "ChangeConfiguration": "blocks.test_b_provisioning.test_configuration_keys",
    "ClearCache": "blocks.test_c_authorization.test_a_cache_that_is_switched_off",
    "ClearChargingProfile": "blocks.test_k_smart_charging.test_clearing",
    "DataTransfer": "blocks.test_p_data_transfer.test_the_csms_reaches_the_vendors_handlers",
    "DiagnosticsStatusNotification": "blocks.test_n_logs.test_diagnostics_of_1_6",
    "FirmwareStatusNotification": "blocks.test_l_firmware.test_the_plain_update_of_1_6",
    "GetCompositeSchedule": "blocks.test_k_smart_charging.test_limits_follow_the_schedule",
    "GetConfiguration": "blocks.test_b_provisioning.test_configuration_keys",
    "GetDiagnostics": "blocks.test_n_logs.test_diagnostics_of_1_6",
    "GetLocalListVersion": "blocks.test_c_authorization.test_the_local_list_and_its_versions",
    "Heartbeat": "blocks.test_b_provisioning.test_heartbeats_follow_the_interval_of_the_boot_when_nothing_else_is_said",
    "MeterValues": "blocks.test_j_meter_values.test_samples_of_a_transaction",
    "RemoteStartTransaction": "blocks.test_f_remote_control.test_start_and_stop",
    "RemoteStopTransaction": "blocks.test_f_remote_control.test_start_and_stop",
    "ReserveNow": f"{_OWN}.test_a_reservation_and_its_end",
    "Reset": "blocks.test_b_provisioning.test_a_reset_restarts_and_ends_what_runs",
    "SendLocalList": "blocks.test_c_authorization.test_the_local_list_and_its_versions",
    "SetChargingProfile": "blocks.test_k_smart_charging.test_limits_follow_the_schedule",
    "StartTransaction": "blocks.test_e_transactions.test_cable_first_with_the_usual_points",
    "StatusNotification": "blocks.test_g_availability.test_one_evse_and_back",
    "StopTransaction": "blocks.test_e_transactions.test_cable_first_with_the_usual_points",
    "TriggerMessage": "blocks.test_f_remote_control.test_triggers",
    "UnlockConnector": "blocks.test_f_remote_control.test_unlocking",
    "UpdateFirmware": "blocks.test_l_firmware.test_the_plain_update_of_1_6",
}
"""As the page lists them, and the test that shows what comes of each."""


def _is_test(name: str) -> bool:
    module, _, function = name.rpartition(".")
    return callable(getattr(importlib.import_module(f"tests.station.{module}"), function, None))


def test_each_row_is_here_once() -> None:
    assert len(ROWS) == len(PARAMETERS)
    assert {row.parameter for row in ROWS} == PARAMETERS


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.parameter)
def test_each_row_has_a_setting_and_a_test_of_its_effect(row: Row) -> None:
    fields = {field.name for field in dataclasses.fields(StationConfiguration)}
    assert row.settings
    for setting in row.settings:
        assert setting in fields or setting.casefold() in KEYS
    assert _is_test(row.test)


def test_each_key_of_the_controllers_own_is_of_a_row() -> None:
    own = {key.name for key in KEYS.values() if any(name.startswith("BackendCtrlr.") for name in key.variables)}
    told = {"InterfaceInUse"}  # what the first row comes to, not a setting
    assert own - told <= {setting for row in ROWS for setting in row.settings}


@pytest.mark.parametrize("message", MESSAGES)
def test_each_message_is_taken_or_sent_and_tested(message: str) -> None:
    taken = any((route.version, route.action) == (V16, message) for route in ROUTES)
    sent = any(
        version is V16 and (message in ("StartTransaction", "StopTransaction") or wording.action == message)
        for (version, _), wording in WORDINGS.items()
    )
    assert taken or sent or message.endswith("StatusNotification")
    assert _is_test(MESSAGES[message])
