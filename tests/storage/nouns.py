"""Nouns with every field set, so that a round trip that loses one shows it."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, time, timedelta
from decimal import Decimal
from typing import Any

import msgspec

from voltbridge.domain.cost import Cost, CostElement, CostLine
from voltbridge.domain.device_model import Component
from voltbridge.domain.display_messages import (
    DisplayMessage,
    MessageContent,
    MessageFormat,
    MessagePriority,
    MessageState,
    MessageStatus,
)
from voltbridge.domain.events import Event
from voltbridge.domain.evses import Connector, ConnectorStatus
from voltbridge.domain.messages import DeviationCount, MessageDirection, MessageRecord
from voltbridge.domain.metering import MeterRecord, SampledValue
from voltbridge.domain.prices import Price, Restrictions, Weekday
from voltbridge.domain.stations import RegistrationStatus, StationReport, StationSettings, Strictness
from voltbridge.domain.tariffs import Tariff, TariffElement, TariffText
from voltbridge.domain.tokens import AuthorizationStatus, IdToken, Token
from voltbridge.domain.transactions import EnergyReading, Transaction, TransactionState

NOON = datetime(2026, 3, 1, 12, 0, 0, 250_000, tzinfo=UTC)


def at(seconds: float) -> datetime:
    """So many seconds after noon."""
    return NOON + timedelta(seconds=seconds)


def at_ms(seconds: float = 0) -> int:
    """So many seconds after noon, as milliseconds since the epoch."""
    return round(at(seconds).timestamp() * 1000)


def settings(station_id: str = "CS-1", **changes: Any) -> StationSettings:
    return replace(
        StationSettings(
            station_id=station_id,
            registration=RegistrationStatus.ACCEPTED,
            created_at=NOON,
            name="Yard, left",
            password_hash="scrypt$x",
            strictness=Strictness.SALVAGE,
            heartbeat_interval_s=300,
            adopted_at=at(5),
            minimum_security_profile=2,
        ),
        **changes,
    )


def report(station_id: str = "CS-1", **changes: Any) -> StationReport:
    return replace(
        StationReport(
            station_id=station_id,
            protocol="ocpp2.0.1",
            vendor="Volt",
            model="V1",
            serial_number="S-1",
            firmware_version="1.2.3",
            iccid="8931",
            imsi="2041",
            meter_type="MID",
            meter_serial_number="M-1",
            boot_reason="PowerUp",
            last_boot_at=at(1),
            last_seen_at=at(2),
            remote_address="10.0.0.1",
            secure=True,
            security_profile=2,
        ),
        **changes,
    )


def connector(station_id: str = "CS-1", evse_id: int = 1, connector_id: int = 1, **changes: Any) -> Connector:
    return replace(
        Connector(
            station_id=station_id,
            evse_id=evse_id,
            connector_id=connector_id,
            status=ConnectorStatus.FAULTED,
            status_at=at(3),
            error_code="GroundFailure",
            error_info="info",
            vendor_id="Volt",
            vendor_error_code="E7",
        ),
        **changes,
    )


def token(id_token: str = "AbC123", type: str = "ISO14443", **changes: Any) -> Token:
    return replace(
        Token(
            id_token=id_token,
            type=type,
            status=AuthorizationStatus.ACCEPTED,
            created_at=NOON,
            updated_at=at(1),
            group_id_token="Fleet",
            group_type="Central",
            expires_at=at(1000),
            allow_concurrent=True,
            language="en",
            personal_message="Welcome",
            note="van 4",
            station_ids=("CS-1", "CS-2"),
        ),
        **changes,
    )


def tariff(id: str = "day", **changes: Any) -> Tariff:
    night = Restrictions((Weekday.FRIDAY, Weekday.SATURDAY), time(22), time(6, 30))
    energy = TariffElement((Price(Decimal("0.30"), night), Price(Decimal("0.40"))), Decimal("7.7"))
    return replace(
        Tariff(
            id=id,
            currency="CHF",
            time_zone="Europe/Zurich",
            tax_percent=Decimal("8.1"),
            energy=energy,
            charging_time=energy,
            idle_time=energy,
            start_fee=energy,
            idle_grace_minutes=10,
            idle_when_suspended_by_station=True,
            min_price=Decimal("1.00"),
            max_price=Decimal(99),
            texts=(TariffText("Grüezi", "de-CH", MessageFormat.HTML, night),),
            cost_in_responses=False,
            cost_update_interval_s=30,
        ),
        **changes,
    )


def display_message(station_id: str = "CS-1", id: int = 1, **changes: Any) -> DisplayMessage:
    return replace(
        DisplayMessage(
            station_id=station_id,
            id=id,
            priority=MessagePriority.IN_FRONT,
            message=MessageContent("Hello", MessageFormat.ASCII, "en"),
            extra=(MessageContent("Hallo", MessageFormat.UTF8, "de"),),
            state=MessageState.CHARGING,
            start_at=at(1),
            end_at=at(2),
            transaction_id="tx-1",
            display=Component("Display", "left", 1, 2),
            status=MessageStatus.ACCEPTED,
            reason="why",
            requested_at=at(3),
            noted_at=at(4),
        ),
        **changes,
    )


def transaction(own_id: int = 1, station_id: str = "CS-1", **changes: Any) -> Transaction:
    return replace(
        Transaction(
            id=own_id,
            transaction_id=f"tx-{own_id}",
            station_id=station_id,
            state=TransactionState.ACTIVE,
            created_at=at(10),
            updated_at=at(20),
            evse_id=1,
            connector_id=2,
            id_token=IdToken("AbC123", "ISO14443", (("X", "Central"),)),
            stop_id_token=IdToken("Stop", None),
            started_at=at(own_id % 10_000),
            stopped_at=at(100),
            stop_reason="EVDisconnected",
            charging_state="Charging",
            reservation_id=7,
            remote_start_id=8,
            time_spent_charging_s=99,
            first_reading=EnergyReading(at(own_id % 10_000), 1000.5),
            last_reading=EnergyReading(at(90), 2000.25),
            energy_wh=999.75,
            energy_problems=("the register ran backwards",),
            offline=True,
            sequences="0-5,7",
            close_note="gone",
            superseded_by=2**62,
            progress='{"a":1}',
            tariff=tariff(),
            cost=Cost(
                tariff_id="day",
                currency="EUR",
                total=Decimal("12.34"),
                total_excl_tax=Decimal("10.00"),
                lines=(CostLine(CostElement.ENERGY, Decimal("10.00"), Decimal("2.34"), Decimal("28.571")),),
                as_of=at(90),
                final=True,
                problems=("no charging state was told",),
                note="corrected",
            ),
            cost_facts='{"b":2}',
        ),
        **changes,
    )


def meter_record(station_id: str = "CS-1", seconds: float = 0, key: int = 1, **changes: Any) -> MeterRecord:
    record = MeterRecord(
        station_id=station_id,
        evse_id=1,
        connector_id=1,
        transaction_id=None,
        at_ms=at_ms(seconds),
        key=key,
        values=(
            SampledValue("Energy.Active.Import.Register", 1500.0, "Wh", raw="1.5", raw_unit="kWh"),
            SampledValue("Voltage", 230.1, "V", phase="L1-N", context="Sample.Clock", location="Inlet"),
            SampledValue("Energy.Active.Import.Register", None, None, signed="OCMF|{}"),
        ),
    )
    return msgspec.structs.replace(record, **changes)


def event(own_id: int = 1, station_id: str | None = "CS-1", **changes: Any) -> Event:
    return replace(
        Event(
            own_id,
            "station.boot",
            at(own_id % 10_000),
            station_id,
            {"model": "V1", "n": [1, 2.5, None], "o": {"p": True}},
        ),
        **changes,
    )


def message(station_id: str = "CS-1", seconds: float = 0, **changes: Any) -> MessageRecord:
    record = MessageRecord(
        station_id=station_id,
        at_ms=at_ms(seconds),
        direction=MessageDirection.RECEIVED,
        kind=2,
        message_id="m-1",
        action="Heartbeat",
        frame='[2,"m-1","Heartbeat",{}]',
    )
    return msgspec.structs.replace(record, **changes)


def deviation(station_id: str = "CS-1", **changes: Any) -> DeviationCount:
    return replace(
        DeviationCount(
            vendor="Volt",
            model="V1",
            firmware_version="1.2.3",
            action="MeterValues",
            path="$.meterValue[0].timestamp",
            kind="format",
            count=1,
            first_seen_at=NOON,
            last_seen_at=at(1),
            last_station_id=station_id,
            example='"2026"',
        ),
        **changes,
    )
