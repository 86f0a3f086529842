"""The operator's list: provisioning, passwords, adoption, settings, and what a connected station notices of it."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from tests.csms.blocks.b_provisioning.desk import Desk, boot, run
from tests.csms.fakes import START

from voltbridge.csms.blocks.a_security.passwords import password_matches
from voltbridge.csms.blocks.a_security.service import AdmissionPolicy, SecurityService
from voltbridge.domain.admission import AdmissionRequest, Admitted, Credentials
from voltbridge.domain.errors import AlreadyExists, InvalidValue, NotFound
from voltbridge.domain.paging import PageRequest
from voltbridge.domain.station_calls import StationNotConnected
from voltbridge.domain.stations import (
    Onboarding,
    RegistrationStatus,
    StationFilter,
    StationReport,
    StationSettings,
    Strictness,
)
from voltbridge.protocol import v16, v21, v201
from voltbridge.protocol.versions import Version

GOOD = "K7mPq2vX9zRw4bNt"
FIRST = PageRequest()


def admission(desk: Desk) -> SecurityService:
    return SecurityService(desk.stations, desk.world.events, desk.world.clock, AdmissionPolicy(Onboarding.ASK))


def knock(password: str | None) -> AdmissionRequest:
    credentials = None if password is None else Credentials("CS1", password.encode())
    return AdmissionRequest("CS1", credentials, "192.0.2.7", secure=True)


class TestProvisioning:
    """Stations that the operator announces before they connect."""

    def test_a_generated_password_is_given_once_and_lets_the_station_in(self) -> None:
        async def body() -> None:
            desk = Desk()
            station, password = await desk.service.provision("CS1", generate=True, name="Yard")
            assert password is not None
            assert station.settings.registration is RegistrationStatus.ACCEPTED
            assert station.settings.name == "Yard"
            assert await admission(desk).admit(knock(password)) == Admitted(authenticated=True)
            assert not isinstance(await admission(desk).admit(knock(None)), Admitted)
            assert (await desk.service.inbox(FIRST)).items == ()
            assert desk.world.emitted("station.provisioned") == [{"name": "Yard", "has_password": True}]
            assert password not in repr(desk.world.journal.facts) + repr(station)

        run(body)

    def test_a_chosen_password_is_kept_as_a_hash(self) -> None:
        async def body() -> None:
            desk = Desk()
            station, password = await desk.service.provision("CS1", password=GOOD)
            assert password == GOOD
            stored = station.settings.password_hash
            assert stored is not None
            assert GOOD not in stored
            assert password_matches(stored, GOOD.encode())

        run(body)

    def test_settings_are_kept(self) -> None:
        async def body() -> None:
            desk = Desk()
            await desk.service.provision("CS1", strictness=Strictness.SALVAGE, heartbeat_interval_s=60)
            expected = StationSettings(
                "CS1",
                RegistrationStatus.ACCEPTED,
                START,
                strictness=Strictness.SALVAGE,
                heartbeat_interval_s=60,
                adopted_at=START,
            )
            assert (await desk.service.get("CS1")).settings == expected

        run(body)

    @pytest.mark.parametrize(
        ("field", "arguments"),
        [
            ("station_id", {"station_id": "a:b"}),
            ("station_id", {"station_id": ""}),
            ("password", {"password": "too short"}),
            ("password", {"password": "CS1CS1CS1CS1CS1CS1"}),
            ("password", {"password": GOOD, "generate": True}),
            ("heartbeat_interval_s", {"heartbeat_interval_s": 0}),
            ("heartbeat_interval_s", {"heartbeat_interval_s": 2**31}),
        ],
    )
    def test_what_cannot_be_is_refused_and_leaves_nothing(self, field: str, arguments: dict[str, Any]) -> None:
        async def body() -> None:
            desk = Desk()
            with pytest.raises(InvalidValue) as refusal:
                await desk.service.provision(**{"station_id": "CS1", **arguments})
            assert refusal.value.field == field
            assert desk.stations.settings == {}

        run(body)

    def test_a_known_identity_is_taken(self) -> None:
        async def body() -> None:
            desk = Desk()
            desk.connect(registration=RegistrationStatus.PENDING, adopted=False)
            with pytest.raises(AlreadyExists):
                await desk.service.provision("CS1")

        run(body)


class TestPasswords:
    """A01: the new password counts from the next connection on, the old one no longer."""

    def test_a_password_is_replaced(self) -> None:
        async def body() -> None:
            desk = Desk()
            _, first = await desk.service.provision("CS1", generate=True)
            second = await desk.service.set_password("CS1")
            assert first is not None
            assert second != first
            assert not isinstance(await admission(desk).admit(knock(first)), Admitted)
            assert await admission(desk).admit(knock(second)) == Admitted(authenticated=True)
            assert await desk.service.set_password("CS1", GOOD) == GOOD
            assert await admission(desk).admit(knock(GOOD)) == Admitted(authenticated=True)
            assert desk.world.emitted("station.settings_changed") == [{"changed": ["password"]}] * 2

        run(body)

    def test_a_weak_password_leaves_the_old_one(self) -> None:
        async def body() -> None:
            desk = Desk()
            _, first = await desk.service.provision("CS1", generate=True)
            with pytest.raises(InvalidValue):
                await desk.service.set_password("CS1", "aaaaaaaaaaaaaaaaaaaa")
            assert first is not None
            assert await admission(desk).admit(knock(first)) == Admitted(authenticated=True)

        run(body)

    def test_a_password_is_removed(self) -> None:
        async def body() -> None:
            desk = Desk()
            await desk.service.provision("CS1", generate=True)
            await desk.service.remove_password("CS1")
            await desk.service.remove_password("CS1")
            assert await admission(desk).admit(knock(None)) == Admitted(authenticated=False)
            assert len(desk.world.emitted("station.settings_changed")) == 1

        run(body)


class TestAdoption:
    """From the inbox to the first accepted boot."""

    def test_the_inbox_lists_who_waits_newest_first(self) -> None:
        async def body() -> None:
            desk = Desk()
            security = admission(desk)
            for identity in ("CS1", "CS2", "CS3"):
                await security.admit(AdmissionRequest(identity, None, "192.0.2.7", secure=False))
                desk.world.clock.advance(1)
            await desk.service.adopt("CS2")
            page = await desk.service.inbox(PageRequest(limit=1))
            assert [station.settings.station_id for station in page.items] == ["CS3"]
            rest = await desk.service.inbox(PageRequest(limit=5, cursor=page.next))
            assert [station.settings.station_id for station in rest.items] == ["CS1"]

        run(body)

    @pytest.mark.parametrize("version", list(Version))
    def test_an_adopted_station_is_asked_to_boot_and_accepted(self, version: Version) -> None:
        async def body() -> None:
            desk = Desk()
            live = desk.connect(version, RegistrationStatus.PENDING, adopted=False)
            assert (await boot(desk, live)).status.value == "Pending"
            desk.world.clock.advance(5)
            station = await desk.service.adopt("CS1")
            assert station.settings.adopted_at == START + timedelta(seconds=5)
            assert live.registered is RegistrationStatus.PENDING, "only its next boot tells the station"
            await desk.world.bus.deliver()
            assert live.registered is RegistrationStatus.PENDING
            ((_, spoken, request),) = desk.calls.sent
            assert spoken is version
            assert isinstance(
                request, v16.TriggerMessageRequest | v201.TriggerMessageRequest | v21.TriggerMessageRequest
            )
            assert request.requested_message.value == "BootNotification"
            assert (await boot(desk, live)).status.value == "Accepted"
            assert len(desk.world.emitted("station.adopted")) == 1

        run(body)

    def test_adopting_twice_or_while_away_asks_nothing(self) -> None:
        async def body() -> None:
            desk = Desk()
            live = desk.connect(registration=RegistrationStatus.PENDING, adopted=False)
            desk.connected.stations.clear()
            await desk.service.adopt("CS1")
            assert desk.connected.changes == ["CS1"], "it may be connecting just now"
            await desk.service.adopt("CS1")
            await desk.world.bus.deliver()
            assert desk.calls.sent == []
            assert len(desk.world.emitted("station.adopted")) == 1
            live = desk.connect()
            assert (await boot(desk, live)).status.value == "Accepted"
            await desk.service.update("CS1", {"name": "Yard"})
            await desk.world.bus.deliver()
            assert desk.calls.sent == []

        run(body)

    def test_a_rejected_station_loses_its_connection_and_hears_it_at_its_next_boot(self) -> None:
        async def body() -> None:
            desk = Desk()
            live = desk.connect(registration=RegistrationStatus.PENDING, adopted=False)
            await desk.service.reject("CS1")
            assert ("disconnect", "CS1") in desk.world.bus.announced
            await desk.world.bus.deliver()
            assert live.registered is RegistrationStatus.REJECTED
            assert (await desk.service.inbox(FIRST)).items == ()
            assert (await boot(desk, desk.connect())).status.value == "Rejected"
            await desk.service.adopt("CS1")
            await desk.world.bus.deliver()
            assert desk.calls.sent == [], "a rejected station is sent nothing (B03.FR.03)"

        run(body)

    def test_an_adopted_station_can_be_held_back_outside_the_inbox(self) -> None:
        async def body() -> None:
            desk = Desk()
            live = desk.connect()
            await desk.service.update("CS1", {"registration": RegistrationStatus.PENDING})
            await desk.world.bus.deliver()
            assert (await desk.service.inbox(FIRST)).items == ()
            assert (await boot(desk, live)).status.value == "Pending"
            assert desk.world.emitted("station.suspended") == [{"name": None}]

        run(body)

    @pytest.mark.parametrize("act", ["adopt", "reject", "get", "delete", "disconnect", "set_password"])
    def test_unknown_stations_are_not_found(self, act: str) -> None:
        async def body() -> None:
            with pytest.raises(NotFound):
                await getattr(Desk().service, act)("CS9")

        run(body)


class TestSettings:
    """Changes reach the connected station's state, and nothing else changes."""

    def test_a_change_is_stored_told_and_taken_over(self) -> None:
        async def body() -> None:
            desk = Desk()
            live = desk.connect()
            await desk.service.set_password("CS1", GOOD)
            changed = await desk.service.update("CS1", {"name": "Yard", "strictness": Strictness.TOLERANT})
            await desk.world.bus.deliver()
            assert live.settings == changed.settings == desk.stations.settings["CS1"]
            assert live.settings.password_hash is not None
            assert desk.world.emitted("station.settings_changed")[-1] == {"changed": ["name", "strictness"]}
            await desk.service.update("CS1", {"name": None})
            assert desk.stations.settings["CS1"].name is None

        run(body)

    def test_no_change_is_no_event(self) -> None:
        async def body() -> None:
            desk = Desk()
            desk.connect()
            await desk.service.update("CS1", {"name": None})
            await desk.service.update("CS1", {})
            assert desk.world.journal.facts == []
            assert desk.world.bus.announced == []

        run(body)

    @pytest.mark.parametrize(
        "changes", [{"password_hash": "x"}, {"station_id": "y"}, {"registration": None}, {"heartbeat_interval_s": -1}]
    )
    def test_what_cannot_change_is_refused(self, changes: dict[str, Any]) -> None:
        async def body() -> None:
            desk = Desk()
            desk.connect()
            before = desk.stations.settings["CS1"]
            with pytest.raises(InvalidValue):
                await desk.service.update("CS1", changes)
            assert desk.stations.settings["CS1"] == before

        run(body)


class TestReading:
    """A connected station is shown as its owner knows it."""

    def test_the_owners_state_is_laid_over_the_stored_one(self) -> None:
        async def body() -> None:
            desk = Desk()
            live = desk.connect()
            desk.stations.settings["CS2"] = replace(desk.stations.settings["CS1"], station_id="CS2")
            desk.stations.reports["CS2"] = StationReport("CS2", vendor="Old")
            live.report = replace(live.report, vendor="Acme")
            live.last_seen_at = START + timedelta(seconds=9)
            station = await desk.service.get("CS1")
            assert (station.connected, station.report.vendor) == (True, "Acme")
            assert station.report.last_seen_at == START + timedelta(seconds=9)
            other = await desk.service.get("CS2")
            assert (other.connected, other.report.vendor, other.report.last_seen_at) == (False, "Old", None)

        run(body)

    def test_the_list_filters_by_connection(self) -> None:
        async def body() -> None:
            desk = Desk()
            desk.connect()
            desk.stations.settings["CS2"] = replace(desk.stations.settings["CS1"], station_id="CS2")

            async def ids(connected: bool | None) -> list[str]:
                page = await desk.service.list(StationFilter(), FIRST, connected=connected)
                return [station.settings.station_id for station in page.items]

            assert await ids(None) == ["CS1", "CS2"]
            assert await ids(True) == ["CS1"]
            assert await ids(False) == ["CS2"]

        run(body)


class TestLeaving:
    """Deleting and disconnecting."""

    def test_a_deleted_station_is_one_never_seen(self) -> None:
        async def body() -> None:
            desk = Desk()
            desk.connect()
            await desk.service.delete("CS1")
            assert ("deleted", "CS1") in desk.world.bus.announced
            assert desk.world.emitted("station.deleted") == [{}]
            with pytest.raises(NotFound):
                await desk.service.get("CS1")
            assert await admission(desk).admit(knock(None)) == Admitted(authenticated=False)
            assert desk.stations.settings["CS1"].registration is RegistrationStatus.PENDING

        run(body)

    def test_disconnecting_needs_a_connection(self) -> None:
        async def body() -> None:
            desk = Desk()
            desk.connect()
            await desk.service.disconnect("CS1")
            assert desk.world.bus.announced == [("disconnect", "CS1")]
            desk.world.bus.connected.clear()
            with pytest.raises(StationNotConnected):
                await desk.service.disconnect("CS1")

        run(body)


def test_a_station_that_learns_a_newer_version_keeps_what_the_operator_decided() -> None:
    async def body() -> None:
        desk = Desk()
        await desk.service.provision("CS1", password=GOOD, name="Yard", strictness=Strictness.TOLERANT)
        decided = desk.stations.settings["CS1"]
        for version, firmware, meter in (
            (Version.V16, "1.0", "M-1"),
            (Version.V201, "2.0", None),
            (Version.V21, None, None),
        ):
            assert await admission(desk).admit(knock(GOOD)) == Admitted(authenticated=True)
            live = desk.connect(version)
            assert (await boot(desk, live)).status.value == "Accepted"
            desk.stations.reports["CS1"] = live.report
            station = await desk.service.get("CS1")
            assert station.settings == decided
            assert station.report.protocol == version.value
            assert (station.report.firmware_version, station.report.meter_serial_number) == (firmware, meter)

    run(body)
