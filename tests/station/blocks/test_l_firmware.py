"""Firmware updates from a real server of files, before central systems of others."""

from __future__ import annotations

import base64
import contextlib
import hashlib
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import timedelta
from functools import cache
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.x509.oid import NameOID
from tests.station.central_system import CentralSystem, live, served
from tests.station.file_server import FileServer, file_server

from voltbridge.protocol.datetimes import DateTime
from voltbridge.protocol.versions import Version
from voltbridge.station.assembly import Station
from voltbridge.station.configuration import EvseConfiguration, FirmwareAbilities, StationConfiguration
from voltbridge.station.network import Network
from voltbridge.station.simulation import VirtualHardware
from voltbridge.station.virtual_clock import EPOCH, VirtualClock
from voltbridge.storage.station import MemoryStore

IMAGE = b"VOLTBRIDGE FIRMWARE 2.5.0\n" + bytes(100_000)
BROKEN = b"VOLTBRIDGE FIRMWARE ?\n"
TWO = pytest.mark.parametrize("version", [Version.V201, Version.V21])
SIGNED = pytest.mark.parametrize("version", list(Version))
Key = ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey


@dataclass(frozen=True)
class Maker:
    """A manufacturer: its root in PEM, a signing certificate, and how it signs."""

    root: str
    certificate: str
    key: Key

    def sign(self, image: bytes) -> str:
        if isinstance(self.key, rsa.RSAPrivateKey):
            pss = padding.PSS(padding.MGF1(hashes.SHA256()), padding.PSS.DIGEST_LENGTH)
            raw = self.key.sign(image, pss, hashes.SHA256())
        else:
            raw = self.key.sign(image, ec.ECDSA(hashes.SHA256()))
        return base64.b64encode(raw).decode()


def certified(name: str, key: Key, issuer: str, issuer_key: Key, *, ca: bool, days: int = 3650) -> x509.Certificate:
    return (
        x509.CertificateBuilder()
        .subject_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)]))
        .issuer_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, issuer)]))
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(EPOCH - timedelta(days=30))
        .not_valid_after(EPOCH + timedelta(days=days))
        .add_extension(x509.BasicConstraints(ca=ca, path_length=None), critical=True)
        .sign(issuer_key, hashes.SHA256())
    )


def pem(certificate: x509.Certificate) -> str:
    return certificate.public_bytes(serialization.Encoding.PEM).decode()


@cache
def maker(kind: str = "ec", days: int = 3650) -> Maker:
    root_key = ec.generate_private_key(ec.SECP256R1())
    root = certified("Root", root_key, "Root", root_key, ca=True)
    key: Key = rsa.generate_private_key(65537, 2048) if kind == "rsa" else ec.generate_private_key(ec.SECP256R1())
    return Maker(pem(root), pem(certified("Signer", key, "Root", root_key, ca=False, days=days)), key)


@dataclass
class World:
    version: Version
    clock: VirtualClock
    central: CentralSystem
    station: Station
    files: FileServer

    @property
    def hardware(self) -> VirtualHardware:
        assert isinstance(self.station.hardware, VirtualHardware)
        return self.station.hardware

    async def update(
        self, number: int = 1, signed: Maker | None = None, image: bytes = IMAGE, name: str = "fw", **more: Any
    ) -> dict[str, Any]:
        """Ask for it; ``more`` goes into the firmware, ``retries`` beside it."""
        self.files.files.setdefault("fw", image)
        retries: dict[str, Any] = {key: more.pop(key) for key in ("retries", "retryInterval") if key in more}
        firmware = {"location": self.files.url + name, "retrieveDateTime": self.moment(-7200), **more}
        if signed is not None:
            firmware = {"signingCertificate": signed.certificate, "signature": signed.sign(image)} | firmware
        action = "SignedUpdateFirmware" if self.version is Version.V16 else "UpdateFirmware"
        return await self.central.call(action, {"requestId": number, "firmware": firmware, **retries})

    def moment(self, seconds: float) -> str:
        return str(DateTime.of(self.clock.now() + timedelta(seconds=seconds)))

    @property
    def action(self) -> str:
        return "SignedFirmwareStatusNotification" if self.version is Version.V16 else "FirmwareStatusNotification"

    def statuses(self, number: int | None = 1) -> list[str]:
        return [each["status"] for each in self.central.of(self.action) if each.get("requestId") == number]

    async def until(self, status: str, number: int | None = 1) -> None:
        await self.central.next(self.action, lambda each: (each["status"], each.get("requestId")) == (status, number))

    def events(self) -> list[str]:
        return [each["type"] for each in self.central.of("SecurityEventNotification")]


@contextlib.asynccontextmanager
async def world(
    clock: VirtualClock,
    version: Version,
    roots: str = "",
    evses: int = 1,
    store: MemoryStore | None = None,
    **more: Any,
) -> AsyncIterator[World]:
    """``more``: of the station's configuration."""
    async with (
        served(clock, version) as central,
        Network(clock, holds_clock=False) as network,
        file_server() as files,
    ):
        configuration = StationConfiguration(
            "CP-1",
            central.url,
            versions=(version,),
            evses=(EvseConfiguration(),) * evses,
            manufacturer_roots=roots,
            **more,
        )
        async with Station(configuration, network=network, store=store) as station:
            await station.connected()
            yield World(version, clock, central, station, files)


FULL = ["Downloading", "Downloaded", "SignatureVerified", "Installing", "InstallRebooting", "Installed"]


@SIGNED
@pytest.mark.parametrize("kind", ["ec", "rsa"])
def test_a_signed_image_runs_in_the_end(version: Version, kind: str) -> None:
    async def story(clock: VirtualClock) -> None:
        async with world(clock, version, maker(kind).root) as it:
            it.files.breaks = 1
            assert (await it.update(signed=maker(kind)))["status"] == "Accepted"
            await it.until("Installed")
            assert it.statuses() == FULL
            assert it.hardware.installed == [hashlib.sha256(IMAGE).hexdigest()]
            boots = it.central.of("BootNotification")
            if version is not Version.V16:
                assert boots[-1]["reason"] == "FirmwareUpdate"
            said = [json_of(boot)["firmwareVersion"] for boot in boots]
            assert said == ["1.0.0", "2.5.0"]
            await clock.sleep(5)
            assert "FirmwareUpdated" in it.events()
            states = [
                json_of(each).get("connectorStatus", each.get("status")) for each in it.central.of("StatusNotification")
            ]
            assert "Unavailable" in states
            assert states[-1] == "Available"
            await it.station.power_cut(5)
            await it.station.connected()
            assert json_of(it.central.of("BootNotification")[-1])["firmwareVersion"] == "2.5.0"
            assert it.statuses() == FULL

    live(story)


def json_of(boot: dict[str, Any]) -> dict[str, Any]:
    inner: dict[str, Any] = boot.get("chargingStation", boot)
    return inner


@TWO
def test_without_a_root_unsigned_images_alone(version: Version) -> None:
    async def story(clock: VirtualClock) -> None:
        async with world(clock, version) as it:
            assert (await it.update(signed=maker()))["status"] == "InvalidCertificate"
            assert (await it.update())["status"] == "Accepted"
            await it.until("Installed")
            assert it.statuses() == [each for each in FULL if each != "SignatureVerified"]

    live(story)


def test_the_plain_update_of_1_6() -> None:
    async def story(clock: VirtualClock) -> None:
        async with world(clock, Version.V16) as it:
            it.files.files["fw"] = IMAGE
            request = {"location": it.files.url + "fw", "retrieveDate": it.moment(600)}
            assert await it.central.call("UpdateFirmware", request) == {}
            await clock.sleep(500)
            assert it.central.of("FirmwareStatusNotification") == []
            await it.central.next("FirmwareStatusNotification", lambda each: each["status"] == "Installed")
            said = [each["status"] for each in it.central.of("FirmwareStatusNotification")]
            assert said == ["Downloading", "Downloaded", "Installing", "Installed"]
            assert it.central.of("BootNotification")[-1]["firmwareVersion"] == "2.5.0"

    live(story)


@SIGNED
def test_what_is_not_the_manufacturers_is_not_installed(version: Version) -> None:
    async def story(clock: VirtualClock) -> None:
        async with world(clock, version, maker().root) as it:
            stranger = maker("rsa")
            assert (await it.update(signed=stranger))["status"] == "InvalidCertificate"
            await it.central.next(
                "SecurityEventNotification", lambda e: e["type"] == "InvalidFirmwareSigningCertificate"
            )
            assert (await it.update(signed=maker(), signingCertificate="no PEM"))["status"] == "InvalidCertificate"
            if version is not Version.V16:
                assert (await it.update())["status"] == "Rejected"
            assert it.statuses() == []
            forged = Maker(maker().root, maker().certificate, stranger.key)
            assert (await it.update(2, signed=forged))["status"] == "Accepted"
            await it.until("InvalidSignature", 2)
            await it.central.next("SecurityEventNotification", lambda e: e["type"] == "InvalidFirmwareSignature")
            assert it.hardware.installed == []
            assert len(it.central.of("BootNotification")) == 1

    live(story)


def test_a_certificate_that_has_expired() -> None:
    async def story(clock: VirtualClock) -> None:
        old = maker("ec", 1)
        async with world(clock, Version.V201, old.root) as it:
            late = it.moment(3 * 86_400)
            assert (await it.update(signed=old, retrieveDateTime=late))["status"] == "Accepted"
            await it.until("InvalidSignature")
            assert (await it.update(2, signed=old))["status"] == "InvalidCertificate"

    live(story)


@TWO
def test_a_download_that_fails_is_tried_again(version: Version) -> None:
    async def story(clock: VirtualClock) -> None:
        async with world(clock, version) as it:
            began = clock.monotonic()
            await it.update(name="missing", retries=2, retryInterval=50)
            await it.until("DownloadFailed")
            assert clock.monotonic() - began == pytest.approx(100, abs=5)
            assert len(it.files.ranges) == 3
            it.central.forget()
            await it.central.call("TriggerMessage", {"requestedMessage": "FirmwareStatusNotification"})
            await it.until("DownloadFailed")

    live(story)


@SIGNED
@pytest.mark.parametrize("location", ["gopher://files.example/fw", "firmware.bin", "http://files.example:x/fw"])
def test_an_address_that_can_never_work_is_tried_once(version: Version, location: str) -> None:
    async def story(clock: VirtualClock) -> None:
        async with world(clock, version, maker().root) as it:
            began = clock.monotonic()
            said = await it.update(signed=maker(), location=location, retries=100, retryInterval=50)
            assert said["status"] == "Accepted"
            await it.until("DownloadFailed")
            assert clock.monotonic() - began < 50
            assert it.statuses() == ["Downloading", "DownloadFailed"]
            assert (await it.update(2, signed=maker()))["status"] == "Accepted", "the one before is over"
            await it.until("Installed", 2)

    live(story)


@SIGNED
def test_how_an_update_ended_outlasts_a_power_cut_before_it_was_told(version: Version) -> None:
    async def story(clock: VirtualClock) -> None:
        async with world(clock, version, maker().root) as it:
            it.files.gate.clear()
            await it.update(signed=maker(), name="missing")
            await it.until("Downloading")
            it.hardware.uplink(False)
            await clock.sleep(5)
            it.files.gate.set()
            await clock.sleep(5)
            await it.station.power_cut(5)
            await it.until("DownloadFailed")
            assert it.statuses() == ["Downloading", "DownloadFailed"]

    live(story)


@TWO
def test_an_image_that_does_not_fit(version: Version) -> None:
    async def story(clock: VirtualClock) -> None:
        async with world(clock, version) as it:
            await it.update(image=BROKEN)
            await it.until("InstallationFailed")
            await clock.sleep(5)
            assert it.central.of("StatusNotification")[-1]["connectorStatus"] == "Available"
            assert len(it.central.of("BootNotification")) == 1

    live(story)


@TWO
def test_dates_in_the_future_are_kept(version: Version) -> None:
    async def story(clock: VirtualClock) -> None:
        async with world(clock, version, store=MemoryStore()) as it:
            await it.update(retrieveDateTime=it.moment(3600), installDateTime=it.moment(7200))
            await it.until("DownloadScheduled")
            await it.station.power_cut(60)
            await it.station.connected()
            began = clock.monotonic()
            await it.until("Downloading")
            assert clock.monotonic() - began == pytest.approx(3600, abs=120)
            await it.until("InstallScheduled")
            assert it.hardware.installed == []
            await it.until("Installing")
            assert clock.monotonic() - began == pytest.approx(7200, abs=120)
            await it.until("Installed")

    live(story)


@TWO
def test_a_newer_request_takes_the_place_of_the_older(version: Version) -> None:
    async def story(clock: VirtualClock) -> None:
        async with world(clock, version) as it:
            it.files.gate.clear()
            await it.update(1)
            await it.until("Downloading")
            assert (await it.update(2))["status"] == "AcceptedCanceled"
            it.files.gate.set()
            await it.until("Installed", 2)
            assert it.statuses(1) == ["Downloading"]
            it.central.forget()
            await it.central.call("TriggerMessage", {"requestedMessage": "FirmwareStatusNotification"})
            await it.until("Idle", None)
            assert len(it.hardware.installed) == 1

    live(story)


@TWO
@pytest.mark.parametrize("allows", [False, True])
def test_charging_goes_first(version: Version, allows: bool) -> None:
    async def story(clock: VirtualClock) -> None:
        async with world(clock, version, evses=2) as it:
            it.station.services.context.device_model.set(
                "ChargingStation.AllowNewSessionsPendingFirmwareUpdate", str(allows).lower()
            )
            async with it.station.plug_in(1) as visit:
                await visit.swipe("04A2B3C4")
                await clock.sleep(60)
                await it.update()
                await it.until("InstallScheduled")
                await clock.sleep(60)
                told = [each["connectorStatus"] for each in it.central.of("StatusNotification") if each["evseId"] == 2]
                assert told[-1] == ("Available" if allows else "Unavailable")
                assert it.hardware.installed == []
            await it.until("Installed")
            await clock.sleep(5)
            assert it.central.of("StatusNotification")[-1]["connectorStatus"] == "Available"

    live(story)


@TWO
def test_an_image_that_is_not_whole(version: Version) -> None:
    """L01.FR.29; the same image with the digest that is its own runs."""

    async def story(clock: VirtualClock) -> None:
        async with world(clock, version) as it:
            await it.update(image=WHOLE[:-1] + b"?")
            await it.until("InstallVerificationFailed")
            await clock.sleep(5)
            assert it.central.of("StatusNotification")[-1]["connectorStatus"] == "Available"
            assert len(it.central.of("BootNotification")) == 1
            it.files.files["fw"] = WHOLE
            await it.update(2)
            await it.until("Installed", 2)
            assert json_of(it.central.of("BootNotification")[-1])["firmwareVersion"] == "3.0"

    live(story)


CONTENT = bytes(5000)
WHOLE = b"VOLTBRIDGE FIRMWARE 3.0 " + hashlib.sha256(CONTENT).hexdigest().encode() + b"\n" + CONTENT


def test_the_plain_update_of_1_6_says_of_every_failure_that_it_failed() -> None:
    async def story(clock: VirtualClock) -> None:
        async with world(clock, Version.V16) as it:
            it.files.files["fw"] = WHOLE[:-1]
            await it.central.call("UpdateFirmware", {"location": it.files.url + "fw", "retrieveDate": it.moment(0)})
            await it.central.next("FirmwareStatusNotification", lambda each: each["status"] == "InstallationFailed")

    live(story)


@SIGNED
def test_new_firmware_that_does_not_run_leaves_the_old_one(version: Version) -> None:
    async def story(clock: VirtualClock) -> None:
        async with world(clock, version, maker().root) as it:
            it.hardware.new_firmware_fails = True
            await it.update(signed=maker())
            await it.until("InstallationFailed")
            assert it.statuses() == [*FULL[:-1], "InstallationFailed"]
            assert [json_of(boot)["firmwareVersion"] for boot in it.central.of("BootNotification")] == ["1.0.0"] * 2
            await clock.sleep(5)
            assert "FirmwareUpdated" not in it.events()
            states = [json_of(each) for each in it.central.of("StatusNotification")]
            assert states[-1].get("connectorStatus", states[-1].get("status")) == "Available"

    live(story)


def revoked(by: Maker, *certificates: str) -> str:
    """A list of what the manufacturer's root takes back; ``by`` has the root's key here."""
    root = x509.load_pem_x509_certificate(by.root.encode())
    builder = x509.CertificateRevocationListBuilder().issuer_name(root.subject)
    builder = builder.last_update(EPOCH - timedelta(days=1)).next_update(EPOCH + timedelta(days=1))
    for certificate in certificates:
        number = x509.load_pem_x509_certificate(certificate.encode()).serial_number
        entry = x509.RevokedCertificateBuilder().serial_number(number).revocation_date(EPOCH - timedelta(days=1))
        builder = builder.add_revoked_certificate(entry.build())
    return builder.sign(by.key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM).decode()


@SIGNED
def test_a_certificate_that_was_revoked(version: Version) -> None:
    async def story(clock: VirtualClock) -> None:
        root_key = ec.generate_private_key(ec.SECP256R1())
        root = pem(certified("Root", root_key, "Root", root_key, ca=True))
        makers = []
        for name in ("Bad", "Good"):
            key = ec.generate_private_key(ec.SECP256R1())
            makers.append(Maker(root, pem(certified(name, key, "Root", root_key, ca=False)), key))
        bad, good = makers
        owner, stranger = Maker(root, "", root_key), maker()
        lists = (
            revoked(owner) + revoked(owner, bad.certificate) + revoked(Maker(root, "", stranger.key), good.certificate)
        )
        async with world(clock, version, root, manufacturer_revocations=lists) as it:
            assert (await it.update(signed=bad))["status"] == "RevokedCertificate"
            kind = "InvalidFirmwareSigningCertificate"
            await it.central.next("SecurityEventNotification", lambda each: each["type"] == kind)
            assert (await it.update(2, signed=good))["status"] == "Accepted", (
                "a list by no authority counts for nothing"
            )
            await it.until("Installed", 2)
            assert it.statuses() == []

    live(story)


@TWO
def test_a_station_that_cannot_cancel(version: Version) -> None:
    async def story(clock: VirtualClock) -> None:
        async with world(clock, version, firmware=FirmwareAbilities(cancels=False)) as it:
            it.files.gate.clear()
            await it.update(1)
            await it.until("Downloading")
            assert (await it.update(2))["status"] == "Rejected"
            it.files.gate.set()
            await it.until("Installed", 1)
            assert it.statuses(2) == []
            assert (await it.update(3))["status"] == "Accepted"
            await it.until("Installed", 3)

    live(story)


@TWO
def test_a_station_that_cannot_download_beside_charging_waits_and_pauses(version: Version) -> None:
    async def story(clock: VirtualClock) -> None:
        abilities = FirmwareAbilities(downloads_while_charging=False)
        allows = {"ChargingStation.AllowNewSessionsPendingFirmwareUpdate": "true"}
        async with world(clock, version, evses=2, firmware=abilities, variables=allows) as it:
            async with it.station.plug_in(1) as visit:
                await visit.swipe("04A2B3C4")
                await visit.charging()
                await it.update()
                await it.until("DownloadScheduled")
                await clock.sleep(600)
                assert it.statuses() == ["DownloadScheduled"]
                it.files.gate.clear()
            await it.until("Downloading")
            async with it.station.plug_in(2) as visit:
                await visit.swipe("04A2B3C4")
                await it.until("DownloadPaused")
                it.files.gate.set()
                await clock.sleep(600)
                assert it.statuses()[-1] == "DownloadPaused"
            await it.until("Installed")
            assert it.statuses() == [
                "DownloadScheduled",
                "Downloading",
                "DownloadPaused",
                *[each for each in FULL if each != "SignatureVerified"],
            ]

    live(story)


@TWO
@pytest.mark.parametrize("fails", [False, True])
def test_a_station_that_updates_beside_charging(version: Version, fails: bool) -> None:
    """Nobody's charging is touched; the CSMS sees the new version on a new connection."""

    async def story(clock: VirtualClock) -> None:
        abilities = FirmwareAbilities(installs_while_charging=True)
        async with world(clock, version, firmware=abilities) as it, it.station.plug_in(1) as visit:
            it.hardware.new_firmware_fails = fails
            await visit.swipe("04A2B3C4")
            await visit.charging()
            power_w = visit.evse.power_w
            await it.update()
            await it.until("InstallationFailed" if fails else "Installed")
            assert (visit.evse.power_w, it.hardware.reboots) == (power_w, [])
            boots = it.central.of("BootNotification")
            versions = [json_of(boot)["firmwareVersion"] for boot in boots]
            assert versions == (["1.0.0"] if fails else ["1.0.0", "2.5.0"])
            assert it.central.connections == len(versions)
            assert fails or boots[-1]["reason"] == "FirmwareUpdate"
            await clock.sleep(5)
            assert ("FirmwareUpdated" in it.events()) is not fails
            assert [each["eventType"] for each in it.central.of("TransactionEvent")].count("Ended") == 0
            said = await it.central.call(
                "GetVariables",
                {
                    "getVariableData": [
                        {"component": {"name": "ChargingStation"}, "variable": {"name": "FirmwareVersion"}}
                    ]
                },
            )
            assert said["getVariableResult"][0]["attributeValue"] == versions[-1]

    live(story)


@SIGNED
@pytest.mark.parametrize("unavailable", [False, True])
def test_whether_an_update_that_begins_makes_connectors_unavailable(version: Version, unavailable: bool) -> None:
    """UnavailableAtFirmwareUpdateBegin: what is free at once, what is in use when it is free, all again in the end."""

    async def story(clock: VirtualClock) -> None:
        setting = {"BackendCtrlr.UnavailableAtFirmwareUpdateBegin": str(unavailable).lower()}
        async with world(clock, version, maker().root, evses=3, variables=setting) as it:

            def told(evse_id: int) -> str:
                place = "connectorId" if version is Version.V16 else "evseId"
                last = [each for each in it.central.of("StatusNotification") if each[place] == evse_id][-1]
                return str(last.get("connectorStatus", last.get("status")))

            it.files.gate.clear()
            async with it.station.plug_in(1) as visit:
                await visit.swipe("04A2B3C4")
                await visit.charging()
                await it.update(signed=maker(), name="missing")
                await it.until("Downloading")
                await clock.sleep(5)
                free = "Unavailable" if unavailable else "Available"
                assert [told(2), told(3)] == [free, free]
                assert told(1) in ("Charging", "Occupied")
            await clock.sleep(5)
            assert told(1) == free
            async with it.station.plug_in(2) as visit:
                await visit.swipe("04A2B3C4")
                await clock.sleep(5)
                assert (it.station.services.transactions.session(2).transaction is None) is unavailable
            it.files.gate.set()
            await it.until("DownloadFailed")
            await clock.sleep(5)
            assert [told(1), told(2), told(3)] == ["Available"] * 3

    live(story)
