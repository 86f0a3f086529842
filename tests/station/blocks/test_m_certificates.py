"""Root certificates, asked for by central systems of others: installed, listed, deleted, kept over a restart."""

from __future__ import annotations

import contextlib
import hashlib
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import NameOID
from tests.station.authorities import Authority
from tests.station.central_system import CentralSystem, Message, charging, live, served
from tests.station.file_server import file_server

from voltbridge.protocol.datetimes import DateTime
from voltbridge.protocol.versions import Version
from voltbridge.station.assembly import Station
from voltbridge.station.configuration import StationConfiguration
from voltbridge.station.network import Network
from voltbridge.station.virtual_clock import EPOCH, VirtualClock
from voltbridge.storage.station import MemoryStore

V16, V201, V21 = Version
ALL = pytest.mark.parametrize("version", list(Version))
CSMS, MANUFACTURER = "CSMSRootCertificate", "ManufacturerRootCertificate"
PASSWORD = "a password of 25 characte"
CHECKED = {"SecurityCtrlr.AdditionalRootCertificateCheck": "true"}


def named(version: Version, use: str) -> str:
    return "CentralSystemRootCertificate" if version is V16 and use == CSMS else use


async def install(central: CentralSystem, version: Version, pem: str, use: str = CSMS) -> str:
    request = {"certificateType": named(version, use), "certificate": pem}
    return str((await central.call("InstallCertificate", request))["status"])


async def listed(central: CentralSystem, version: Version, use: str = CSMS) -> list[Message]:
    """The hashes of what is installed; the status has to fit."""
    wanted = named(version, use)
    response = await central.call(
        "GetInstalledCertificateIds", {"certificateType": wanted if version is V16 else [wanted]}
    )
    if version is V16:
        found = response.get("certificateHashData", [])
    else:
        chain = response.get("certificateHashDataChain", [])
        assert all(each["certificateType"] == wanted for each in chain)
        found = [each["certificateHashData"] for each in chain]
    assert response["status"] == ("Accepted" if found else "NotFound")
    return list(found)


async def delete(central: CentralSystem, name: Message) -> str:
    return str((await central.call("DeleteCertificate", {"certificateHashData": name}))["status"])


def hash_data(root: Authority, issuer: Authority | None = None, algorithm: str = "SHA256") -> Message:
    """By another way than the station's: of the uncompressed point of the issuer's key."""
    key = (issuer or root).key.public_key()
    point = key.public_bytes(serialization.Encoding.X962, serialization.PublicFormat.UncompressedPoint)
    return {
        "hashAlgorithm": algorithm,
        "issuerNameHash": hashlib.new(algorithm, root.certificate.issuer.public_bytes()).hexdigest(),
        "issuerKeyHash": hashlib.new(algorithm, point).hexdigest(),
        "serialNumber": f"{root.certificate.serial_number:x}",
    }


@ALL
def test_roots_are_installed_listed_and_deleted(version: Version, tmp_path: Path) -> None:
    one, two, maker = (Authority.make(tmp_path, name) for name in ("One", "Two", "Maker"))

    async def story(clock: VirtualClock) -> None:
        async with charging(clock, version) as (central, station):
            assert await listed(central, version) == []
            for root in (one, two, one):  # what is there already is taken again (M05.FR.17)
                assert await install(central, version, root.pem) == "Accepted"
            assert await install(central, version, maker.pem, MANUFACTURER) == "Accepted"
            found = await listed(central, version)
            assert sorted(found, key=str) == sorted([hash_data(one), hash_data(two)], key=str)
            assert await listed(central, version, MANUFACTURER) == [hash_data(maker)]
            assert station.services.context.device_model.get("SecurityCtrlr.CertificateEntries") == "3"
            strange = hash_data(Authority.make(tmp_path))
            assert await delete(central, strange) == "NotFound"
            assert await delete(central, hash_data(one, algorithm="SHA512")) == "Accepted"
            shouted = hash_data(two, algorithm="SHA384")
            shouted = {name: text.upper() for name, text in shouted.items()} | {
                "serialNumber": "0" + shouted["serialNumber"].upper()
            }
            if len(shouted["serialNumber"]) <= 40:
                assert await delete(central, shouted) == "Accepted"
                assert await listed(central, version) == []
            assert await listed(central, version, MANUFACTURER) == [hash_data(maker)]

    live(story)


@pytest.mark.parametrize("version", [V201, V21])
def test_all_types_at_once_and_those_that_are_of_no_use(version: Version, tmp_path: Path) -> None:
    one, maker = Authority.make(tmp_path, "One"), Authority.make(tmp_path, "Maker")

    async def story(clock: VirtualClock) -> None:
        async with charging(clock, version) as (central, _):
            assert await install(central, version, one.pem) == "Accepted"
            assert await install(central, version, maker.pem, MANUFACTURER) == "Accepted"
            for wanted in ({}, {"certificateType": [MANUFACTURER, CSMS]}):
                chain = (await central.call("GetInstalledCertificateIds", wanted))["certificateHashDataChain"]
                assert [each["certificateType"] for each in chain] == [CSMS, MANUFACTURER]
            others = ["V2GRootCertificate", "MORootCertificate", *(["OEMRootCertificate"] if version is V21 else [])]
            for use in others:
                response = await central.call("InstallCertificate", {"certificateType": use, "certificate": one.pem})
                assert (response["status"], response["statusInfo"]["reasonCode"]) == ("Rejected", "UnsupportedParam")
                assert await listed(central, version, use) == []

    live(story)


def weak(
    key: Any, digest: Any, *, ca: bool | None = True, signs: bool = True, days: int = 3650, start: int = -1
) -> str:
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Weak")])
    builder = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(7)
        .not_valid_before(EPOCH + timedelta(days=start))
        .not_valid_after(EPOCH + timedelta(days=days))
    )
    if ca is not None:
        builder = builder.add_extension(x509.BasicConstraints(ca=ca, path_length=None), critical=True)
    if not signs:
        usage = x509.KeyUsage(True, False, False, False, False, False, False, False, False)
        builder = builder.add_extension(usage, critical=True)
    certificate = builder.sign(key, digest)
    return certificate.public_bytes(serialization.Encoding.PEM).decode()


@ALL
def test_what_is_no_root_is_rejected(version: Version, tmp_path: Path) -> None:
    """M05.FR.07. Each text is wrong in one thing; the last is right, so that it is not the maker of them who errs."""
    good, strong = Authority.make(tmp_path), ec.generate_private_key(ec.SECP256R1())
    below = Authority.make(tmp_path, "Below", issuer=good)
    forged = good.pem.splitlines()
    forged[-3] = forged[-3][::-1]
    wrong = {
        "no certificate": "I am a certificate",
        "broken": "\n".join(forged),
        "two": good.pem + Authority.make(tmp_path).pem,
        "expired": Authority.make(tmp_path, "Old", expired=True).pem,
        "expired for this clock": weak(strong, hashes.SHA256(), start=-20, days=-10),
        "not valid yet": weak(strong, hashes.SHA256(), start=1),
        "no authority": weak(strong, hashes.SHA256(), ca=False),
        "no authority said": weak(strong, hashes.SHA256(), ca=None),
        "signs nothing": weak(strong, hashes.SHA256(), signs=False),
        "short key": weak(rsa.generate_private_key(65537, 1024), hashes.SHA256()),
        "signed by a stranger": below.pem,
    }

    async def story(clock: VirtualClock) -> None:
        async with charging(clock, version) as (central, _):
            for name, pem in wrong.items():
                assert await install(central, version, pem) == "Rejected", name
            assert await listed(central, version) == []
            assert await install(central, version, weak(strong, hashes.SHA256())) == "Accepted"
            assert await install(central, version, good.pem) == "Accepted"
            assert await install(central, version, below.pem) == "Accepted", "now its issuer is known"
            assert hash_data(below, good) in await listed(central, version)

    live(story)


@ALL
def test_there_is_room_for_as_many_as_it_says(version: Version, tmp_path: Path) -> None:
    """M05.FR.06; M05.FR.03 of the whitepaper."""
    key = ec.generate_private_key(ec.SECP256R1())

    async def story(clock: VirtualClock) -> None:
        async with charging(clock, version) as (central, _):
            if version is V16:
                found = await central.call("GetConfiguration", {"key": ["CertificateStoreMaxLength"]})
                limit = int(found["configurationKey"][0]["value"])
            else:
                await central.call("GetBaseReport", {"requestId": 1, "reportBase": "FullInventory"})
                last = await central.next("NotifyReport", lambda payload: not payload.get("tbc", False))
                assert last["requestId"] == 1
                limit = next(
                    int(each["variableCharacteristics"]["maxLimit"])
                    for report in central.of("NotifyReport")
                    for each in report["reportData"]
                    if each["variable"]["name"] == "CertificateEntries"
                )
            pem = ""
            for number in range(limit):
                pem = weak(key, hashes.SHA256(), days=3650 + number)
                assert await install(central, version, pem) == "Accepted"
            assert await install(central, version, weak(key, hashes.SHA256(), days=9)) == "Rejected"
            assert await install(central, version, weak(key, hashes.SHA256(), days=9), MANUFACTURER) == "Rejected"
            assert await install(central, version, pem) == "Accepted", "it takes the place of itself"
            assert len(await listed(central, version)) == limit

    live(story)


async def come_back(clock: VirtualClock, central: CentralSystem, station: Station) -> None:
    """The connection is lost, and there is another one."""
    before = central.connections
    await central.cut()
    while central.connections == before or not station.online:
        await clock.sleep(1)


@contextlib.asynccontextmanager
async def judged(
    clock: VirtualClock,
    version: Version,
    authority: Authority,
    store: MemoryStore | None = None,
    variables: dict[str, str] | None = None,
) -> AsyncIterator[tuple[CentralSystem, Station]]:
    """A central system with TLS, and a station that was given the authority's root."""
    async with (
        served(clock, version, tls=authority.server()) as central,
        Network(clock, holds_clock=False) as network,
    ):
        central.password = PASSWORD
        configuration = StationConfiguration(
            "CP-1",
            central.url,
            (version,),
            password=PASSWORD,
            security_profile=2,
            ca_file=str(authority.ca_file),
            variables=variables or {},
        )
        async with Station(configuration, store=store, network=network) as station:
            await station.connected()
            yield central, station


@ALL
def test_the_root_in_use_is_kept(version: Version, tmp_path: Path) -> None:
    """1.6 keeps it in any case (its M04.FR.06), the others as long as it is the last one (M04.FR.03)."""
    root, other = Authority.make(tmp_path), Authority.make(tmp_path, "Other")

    async def story(clock: VirtualClock) -> None:
        async with judged(clock, version, root) as (central, _):
            assert await listed(central, version) == [hash_data(root)], "what was given is listed"
            assert await delete(central, hash_data(root)) == "Failed"
            assert await install(central, version, other.pem) == "Accepted"
            assert await delete(central, hash_data(root)) == ("Failed" if version is V16 else "Accepted")
            assert await delete(central, hash_data(other)) == "Accepted"

    live(story)


@ALL
def test_what_was_installed_and_deleted_outlasts_a_restart(version: Version, tmp_path: Path) -> None:
    given, installed = Authority.make(tmp_path, "Given"), Authority.make(tmp_path, "Installed")
    store = MemoryStore()

    async def story(clock: VirtualClock) -> None:
        async with judged(clock, version, given, store) as (central, _):
            assert await install(central, version, installed.pem) == "Accepted"
        async with served(clock, version, tls=installed.server()) as central:
            configuration = StationConfiguration(
                "CP-1", central.url, (version,), password=PASSWORD, security_profile=2, ca_file=str(given.ca_file)
            )
            async with Network(clock, holds_clock=False) as network:
                async with Station(configuration, store=store, network=network) as station:
                    await station.connected()
                    assert await delete(central, hash_data(given)) == "Accepted"
                async with Station(configuration, store=store, network=network) as station:
                    await station.connected()
                    assert await listed(central, version) == [hash_data(installed)], "it does not come back"

    live(story)


@ALL
def test_firmware_is_judged_by_the_roots_of_the_manufacturer_that_are_installed(
    version: Version, tmp_path: Path
) -> None:
    maker = Authority.make(tmp_path, "Maker")
    signer = Authority.make(tmp_path, "Signer", issuer=maker)
    action = "SignedUpdateFirmware" if version is V16 else "UpdateFirmware"

    async def story(clock: VirtualClock) -> None:
        async with charging(clock, version) as (central, _), file_server() as files:
            moment = str(DateTime.of(clock.now()))
            firmware = {"location": files.url + "none", "retrieveDateTime": moment, "signature": "AAAA"}
            signed = {"requestId": 1, "firmware": firmware | {"signingCertificate": signer.pem}}
            assert (await central.call(action, signed))["status"] == "InvalidCertificate"
            assert await install(central, version, maker.pem, MANUFACTURER) == "Accepted"
            assert (await central.call(action, signed))["status"] == "Accepted"
            assert await delete(central, hash_data(maker)) == "Accepted"
            assert (await central.call(action, signed | {"requestId": 2}))["status"] == "InvalidCertificate"

    live(story)


# AdditionalRootCertificateCheck


@ALL
def test_a_new_root_has_to_be_signed_by_the_old_one_and_replaces_it_once_it_has_proved_itself(
    version: Version, tmp_path: Path
) -> None:
    """M05.FR.09 to FR.13."""
    old = Authority.make(tmp_path, "Old")
    new, strange = Authority.make(tmp_path, "New", issuer=old), Authority.make(tmp_path, "Strange")

    async def story(clock: VirtualClock) -> None:
        async with judged(clock, version, old, variables=CHECKED) as (central, station):
            assert await install(central, version, strange.pem) == "Rejected"
            assert await listed(central, version) == [hash_data(old)]
            assert await install(central, version, new.pem) == "Accepted"
            both = [hash_data(old), hash_data(new, old)]
            assert sorted(await listed(central, version), key=str) == sorted(both, key=str)
            # The same CSMS, still with a certificate of the old root: the fallback counts (FR.14).
            await come_back(clock, central, station)
            assert sorted(await listed(central, version), key=str) == sorted(both, key=str)
            assert "InvalidCsmsCertificate" not in [each["type"] for each in central.of("SecurityEventNotification")]
            store, port = station.store, central.port
        assert isinstance(store, MemoryStore)
        # Now with one of the new root: the old one has had its day, and does not come back from its file.
        async with served(clock, version, tls=new.server(), port=port) as central:
            configuration = StationConfiguration(
                "CP-1",
                central.url,
                (version,),
                password=PASSWORD,
                security_profile=2,
                ca_file=str(old.ca_file),
                variables=CHECKED,
            )
            async with (
                Network(clock, holds_clock=False) as network,
                Station(configuration, store=store, network=network) as station,
            ):
                await station.connected()
                assert await listed(central, version) == [hash_data(new, old)]
                connections = central.connections
            async with served(clock, version, tls=old.server()) as impostor:
                moved = replace(configuration, csms_url=impostor.url)
                async with (
                    Network(clock, holds_clock=False) as network,
                    Station(moved, store=store, network=network),
                ):
                    await clock.sleep(600)
                    assert impostor.connections == 0
            assert central.connections == connections

    live(story)


@ALL
def test_one_that_has_never_proved_itself_is_replaced_without_a_trace(version: Version, tmp_path: Path) -> None:
    old = Authority.make(tmp_path, "Old")
    first, second = (Authority.make(tmp_path, name, issuer=old) for name in ("First", "Second"))

    async def story(clock: VirtualClock) -> None:
        async with judged(clock, version, old, variables=CHECKED) as (central, station):
            for root in (first, second):
                assert await install(central, version, root.pem) == "Accepted"
            found = await listed(central, version)
            assert sorted(found, key=str) == sorted([hash_data(old), hash_data(second, old)], key=str)
            assert await install(central, version, old.pem) == "Accepted", "back to the old one"
            assert await listed(central, version) == [hash_data(old)]
            await come_back(clock, central, station)
            assert await listed(central, version) == [hash_data(old)]

    live(story)


@ALL
def test_a_root_that_is_to_have_no_authority_below_it_signs_none(version: Version, tmp_path: Path) -> None:
    old = Authority.make(tmp_path, "Old", path_length=0)
    new = Authority.make(tmp_path, "New", issuer=old)

    async def story(clock: VirtualClock) -> None:
        async with judged(clock, version, old, variables=CHECKED) as (central, _):
            assert await install(central, version, new.pem) == "Rejected"

    live(story)
