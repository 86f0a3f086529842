"""The variables that the engine itself goes by, as what they are. Read anew each time: a change counts at once."""

from __future__ import annotations

from voltbridge.station.device_model import DeviceModel

__all__ = ["StationSettings"]


class StationSettings:
    """Typed views onto the device model."""

    __slots__ = ("_model",)

    def __init__(self, model: DeviceModel) -> None:
        self._model = model

    def flag(self, name: str) -> bool:
        """A boolean variable."""
        return self._model.get(name) == "true"

    def number(self, name: str) -> int:
        """An integer variable; 0 where it is not set."""
        return int(self._model.get(name) or 0)

    def text(self, name: str) -> str:
        """Any variable."""
        return self._model.get(name)

    def items(self, name: str) -> tuple[str, ...]:
        """A list."""
        value = self._model.get(name)
        return tuple(value.split(",")) if value else ()

    # Connection and messages

    @property
    def heartbeat_interval_s(self) -> int:
        return self.number("OCPPCommCtrlr.HeartbeatInterval")

    @property
    def force_heartbeat(self) -> bool:
        """Heartbeats leave however busy the connection is."""
        return self.flag("BackendCtrlr.ForceHeartbeat")

    @property
    def offline_threshold_s(self) -> int:
        return self.number("OCPPCommCtrlr.OfflineThreshold")

    @property
    def message_timeout_s(self) -> int:
        return self.number("OCPPCommCtrlr.MessageTimeout[Default]")

    @property
    def message_attempts(self) -> int:
        return self.number("OCPPCommCtrlr.MessageAttempts[TransactionEvent]")

    @property
    def message_attempt_interval_s(self) -> int:
        return self.number("OCPPCommCtrlr.MessageAttemptInterval[TransactionEvent]")

    @property
    def signed_message_attempts(self) -> int:
        """Of legally relevant messages; 0: as any other."""
        return self.number("BackendCtrlr.EichrechtTransactionMessageAttempts")

    @property
    def retransmit_meter_values(self) -> bool:
        return self.flag("BackendCtrlr.RetransmitMeterValues")

    @property
    def queue_capacity(self) -> int:
        return self.number("BackendCtrlr.QueueCapacity")

    @property
    def disallow_charging_if_queue_full(self) -> bool:
        return self.flag("BackendCtrlr.DisallowChargingIfQueueFull")

    @property
    def queue_all_messages(self) -> bool:
        return self.flag("OCPPCommCtrlr.QueueAllMessages")

    @property
    def websocket_ping_interval_s(self) -> int:
        return self.number("OCPPCommCtrlr.WebSocketPingInterval")

    @property
    def connection_timeout_s(self) -> int:
        return self.number("BackendCtrlr.BackendConnectionTimeout")

    @property
    def tcp_watchdog_timeout_s(self) -> int:
        """After so many seconds without a CSMS the controller restarts; 0: never."""
        return self.number("BackendCtrlr.TcpWatchdogTimeout")

    @property
    def retry_wait_minimum_s(self) -> int:
        return self.number("OCPPCommCtrlr.RetryBackOffWaitMinimum")

    @property
    def retry_random_range_s(self) -> int:
        return self.number("OCPPCommCtrlr.RetryBackOffRandomRange")

    @property
    def retry_repeat_times(self) -> int:
        return self.number("OCPPCommCtrlr.RetryBackOffRepeatTimes")

    @property
    def network_profile_priority(self) -> tuple[int, ...]:
        """Slots, best first; as it was at the last boot."""
        return tuple(int(slot) for slot in self.items("OCPPCommCtrlr.NetworkConfigurationPriority"))

    @property
    def network_profile_attempts(self) -> int:
        return self.number("OCPPCommCtrlr.NetworkProfileConnectionAttempts")

    @property
    def network_profile_timeout_s(self) -> int:
        """1.6 URL migration: how long to try one profile; 0: as often as ``network_profile_attempts`` says."""
        return self.number("OCPP16Ctrlr.NetworkProfileConnectionTimeoutSec")

    @property
    def password(self) -> str:
        return self.text("SecurityCtrlr.BasicAuthPassword")

    @property
    def security_profile(self) -> int:
        return self.number("SecurityCtrlr.SecurityProfile")

    @property
    def reset_retries(self) -> int:
        return self.number("OCPPCommCtrlr.ResetRetries")

    @property
    def time_from_heartbeat(self) -> bool:
        """The CSMS's answers set the clock."""
        return "Heartbeat" in self.items("ClockCtrlr.TimeSource")

    # Authorization

    @property
    def authorization_enabled(self) -> bool:
        return self.flag("AuthCtrlr.Enabled")

    @property
    def authorize_remote_start(self) -> bool:
        return self.flag("AuthCtrlr.AuthorizeRemoteStart")

    @property
    def local_authorize_offline(self) -> bool:
        return self.flag("AuthCtrlr.LocalAuthorizeOffline")

    @property
    def local_pre_authorize(self) -> bool:
        return self.flag("AuthCtrlr.LocalPreAuthorize")

    @property
    def offline_unknown_allowed(self) -> bool:
        return self.flag("AuthCtrlr.OfflineTxForUnknownIdEnabled")

    @property
    def disable_remote_authorization(self) -> bool:
        return self.flag("AuthCtrlr.DisableRemoteAuthorization")

    @property
    def master_pass_group(self) -> str:
        return self.text("AuthCtrlr.MasterPassGroupId")

    @property
    def cache_enabled(self) -> bool:
        return self.flag("AuthCacheCtrlr.Enabled")

    @property
    def cache_life_time_s(self) -> int:
        """Since the last use; 0: no limit."""
        return self.number("AuthCacheCtrlr.LifeTime")

    @property
    def cache_disable_post_authorize(self) -> bool:
        return self.flag("AuthCacheCtrlr.DisablePostAuthorize")

    @property
    def local_list_enabled(self) -> bool:
        return self.flag("LocalAuthListCtrlr.Enabled")

    @property
    def list_disable_post_authorize(self) -> bool:
        return self.flag("LocalAuthListCtrlr.DisablePostAuthorize")

    # Transactions and metering

    @property
    def tx_start_points(self) -> frozenset[str]:
        return frozenset(self.items("TxCtrlr.TxStartPoint"))

    @property
    def tx_stop_points(self) -> frozenset[str]:
        return frozenset(self.items("TxCtrlr.TxStopPoint"))

    @property
    def ev_connection_timeout_s(self) -> int:
        """0: no limit."""
        return self.number("TxCtrlr.EVConnectionTimeOut")

    @property
    def stop_on_ev_side_disconnect(self) -> bool:
        return self.flag("TxCtrlr.StopTxOnEVSideDisconnect")

    @property
    def unlock_on_ev_side_disconnect(self) -> bool:
        return self.flag("OCPPCommCtrlr.UnlockOnEVSideDisconnect")

    @property
    def stop_on_invalid_id(self) -> bool:
        return self.flag("TxCtrlr.StopTxOnInvalidId")

    @property
    def max_energy_on_invalid_id_wh(self) -> int:
        return self.number("TxCtrlr.MaxEnergyOnInvalidId")

    @property
    def tx_before_accepted(self) -> bool:
        return self.flag("TxCtrlr.TxBeforeAcceptedEnabled")

    @property
    def resumption_timeout_s(self) -> int:
        """A transaction that was interrupted for no longer goes on; 0: every interruption ends it."""
        return self.number("TxCtrlr.ResumptionTimeout")

    @property
    def energy_resumption_range_s(self) -> int:
        """At most so long energy waits after an interruption."""
        return self.number("TxCtrlr.EnergyTransferResumptionRandomRange")

    @property
    def energy_resumes(self) -> bool:
        """After an interruption energy flows again without a new authorization."""
        return self.flag("TxCtrlr.AllowEnergyTransferResumption")

    @property
    def occupied_on_charging(self) -> bool:
        """A legacy of 1.5: a connector is told as in use once somebody charges, not once a cable is in."""
        return self.text("BackendCtrlr.StatusNotificationStrategy") == "OccupiedOnCharging"

    @property
    def minimum_status_duration_s(self) -> int:
        return self.number("OCPP16Ctrlr.MinimumStatusDuration")

    @property
    def sampled_interval_s(self) -> int:
        """Of running transactions; 0: none are sent."""
        return self.number("SampledDataCtrlr.TxUpdatedInterval")

    @property
    def ended_interval_s(self) -> int:
        return self.number("SampledDataCtrlr.TxEndedInterval")

    @property
    def aligned_interval_s(self) -> int:
        return self.number("AlignedDataCtrlr.Interval")

    @property
    def aligned_ended_interval_s(self) -> int:
        return self.number("AlignedDataCtrlr.TxEndedInterval")

    @property
    def started_measurands(self) -> tuple[str, ...]:
        return self._measurands("SampledDataCtrlr", "TxStartedMeasurands")

    @property
    def updated_measurands(self) -> tuple[str, ...]:
        return self._measurands("SampledDataCtrlr", "TxUpdatedMeasurands")

    @property
    def ended_measurands(self) -> tuple[str, ...]:
        return self._measurands("SampledDataCtrlr", "TxEndedMeasurands")

    @property
    def aligned_measurands(self) -> tuple[str, ...]:
        return self._measurands("AlignedDataCtrlr", "Measurands")

    @property
    def aligned_ended_measurands(self) -> tuple[str, ...]:
        return self._measurands("AlignedDataCtrlr", "TxEndedMeasurands")

    @property
    def start_measurands_16(self) -> tuple[str, ...]:
        """1.6: told right after the start; empty: nothing is."""
        return self.items("OCPP16Ctrlr.StartTxnSampledData")

    @property
    def sign_sampled(self) -> bool:
        """What is sampled for the end is signed, and nothing else without that."""
        return self._signs("SampledDataCtrlr.SignReadings")

    @property
    def sign_sampled_at_start(self) -> bool:
        return self.sign_sampled and self._signs("SampledDataCtrlr.SignStartedReadings")

    @property
    def sign_sampled_meanwhile(self) -> bool:
        return self.sign_sampled and self._signs("SampledDataCtrlr.SignUpdatedReadings")

    @property
    def sign_aligned(self) -> bool:
        """As ``sign_sampled``, by the clock."""
        return self._signs("AlignedDataCtrlr.SignReadings")

    @property
    def sign_aligned_meanwhile(self) -> bool:
        return self.sign_aligned and self._signs("AlignedDataCtrlr.SignUpdatedReadings")

    @property
    def public_key_told(self) -> str:
        """Never, OncePerTransaction or EveryMeterValue."""
        return self.text("OCPPCommCtrlr.PublicKeyWithSignedMeterValue")

    @property
    def aligned_only_idle(self) -> bool:
        return self.flag("AlignedDataCtrlr.SendDuringIdle")

    def _signs(self, name: str) -> bool:
        return self._model.has(name) and self.flag(name)

    def _measurands(self, component: str, variable: str) -> tuple[str, ...]:
        return self.items(f"{component}.{variable}") if self.flag(f"{component}.Enabled") else ()
