"""Stations with TLS (security profile 2) before central systems of others: whom they trust, and what they tell."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import ssl
import sys
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from tests.station.authorities import Authority
from tests.station.central_system import CentralSystem, Message, charging, live, served
from tests.station.file_server import file_server
from typer.testing import CliRunner

from voltbridge.cli import app
from voltbridge.protocol.datetimes import DateTime
from voltbridge.protocol.versions import Version
from voltbridge.settings import ConfigurationError
from voltbridge.station.assembly import Station
from voltbridge.station.clocks import PacedClock
from voltbridge.station.configuration import StationConfiguration
from voltbridge.station.endpoints import tls_context
from voltbridge.station.network import Network
from voltbridge.station.virtual_clock import VirtualClock

V16, V201, V21 = Version
ALL = pytest.mark.parametrize("version", list(Version))
PASSWORD = "a password of 25 characte"
SOON = {"OCPPCommCtrlr.RetryBackOffWaitMinimum": "1", "OCPPCommCtrlr.RetryBackOffRandomRange": "0"}
ATTEMPTS_S = 600.0
COMMAND = (sys.executable, "-c", "from voltbridge.cli import main; main()", "station")


def configured(url: str, version: Version, root: Authority | None, **variables: str) -> StationConfiguration:
    return StationConfiguration(
        "CP-1",
        url,
        (version,),
        password=PASSWORD,
        security_profile=2,
        ca_file=None if root is None else str(root.ca_file),
        variables=SOON | variables,
    )


@contextlib.asynccontextmanager
async def living(clock: VirtualClock, configuration: StationConfiguration) -> AsyncIterator[Station]:
    async with (
        Network(clock, holds_clock=False) as network,
        Station(configuration, network=network) as station,
    ):
        yield station


def told(central: CentralSystem) -> list[str]:
    return [each["type"] for each in central.of("SecurityEventNotification")]


UNTRUSTED: dict[str, tuple[Callable[[Authority, Path], ssl.SSLContext], str]] = {
    "another host": (lambda root, _: root.server(host="127.0.0.2"), "127.0.0.1"),
    "another authority": (lambda _, place: Authority.make(place, "Somebody Else").server(), "issuer"),
    "expired": (lambda root, _: root.server(expired=True), "expired"),
}


@ALL
@pytest.mark.parametrize("fault", UNTRUSTED)
def test_a_csms_that_cannot_be_trusted_is_not_connected_and_told_of_later(
    version: Version, fault: str, tmp_path: Path
) -> None:
    """A00.FR.308 to FR.311."""
    root = Authority.make(tmp_path)
    untrusted, reason = UNTRUSTED[fault]

    async def story(clock: VirtualClock) -> None:
        async with served(clock, version, tls=untrusted(root, tmp_path)) as impostor:
            port = impostor.port
            async with living(clock, configured(impostor.url, version, root)) as station:
                await clock.sleep(ATTEMPTS_S)
                assert (impostor.connections, impostor.turned_away) == (0, 0), "it got to see no password either"
                await _closed(impostor)
                async with served(clock, version, tls=root.server(), port=port) as central:
                    central.password = PASSWORD
                    await station.connected()
                    name = "InvalidCentralSystemCertificate" if version is V16 else "InvalidCsmsCertificate"
                    event = await central.next("SecurityEventNotification", lambda each: each["type"] == name)
                    assert reason in event["techInfo"]
                    await clock.sleep(60)
                    assert told(central).count(name) == 1

    live(story)


async def _closed(central: CentralSystem) -> None:
    """Nobody is served there any more, and the port is free."""
    assert central.server is not None
    central.server.close()
    await central.server.wait_closed()


@dataclass
class Alerting:
    port: int
    tried: int = 0


@contextlib.contextmanager
def alerting(context: ssl.SSLContext) -> Iterator[Alerting]:
    """A TLS server that says with an alert why the handshake fails, which asyncio's do not."""
    listening = socket.create_server(("127.0.0.1", 0))

    told = Alerting(listening.getsockname()[1])

    def serve() -> None:
        with contextlib.suppress(OSError):
            while True:
                connection, _ = listening.accept()
                told.tried += 1
                with connection, contextlib.suppress(OSError):
                    context.wrap_socket(connection, server_side=True).close()

    thread = threading.Thread(target=serve)
    thread.start()
    try:
        yield told
    finally:
        listening.shutdown(socket.SHUT_RDWR)
        listening.close()
        thread.join()


def _old(root: Authority) -> ssl.SSLContext:
    context = root.server()
    with pytest.warns(DeprecationWarning):
        context.minimum_version = context.maximum_version = ssl.TLSVersion.TLSv1_1
    context.set_ciphers("ALL:@SECLEVEL=0")
    return context


def _weak(root: Authority) -> ssl.SSLContext:
    context = root.server()
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    context.set_ciphers("ECDHE-ECDSA-AES128-SHA256")
    return context


@ALL
@pytest.mark.parametrize(("spoken", "name"), [(_old, "InvalidTLSVersion"), (_weak, "InvalidTLSCipherSuite")])
def test_a_csms_of_old_tls_or_weak_suites_is_told_of_later(
    version: Version, spoken: Callable[[Authority], ssl.SSLContext], name: str, tmp_path: Path
) -> None:
    """A00.FR.316, FR.323."""
    root = Authority.make(tmp_path)

    async def story(clock: VirtualClock) -> None:
        with alerting(spoken(root)) as old:
            url = f"wss://127.0.0.1:{old.port}/ocpp"
            station = Station(configured(url, version, root), clock=clock)
            station.start()
            while old.tried < 3:
                await clock.sleep(1)
        try:
            async with served(clock, version, tls=root.server(), port=old.port) as central:
                central.password = PASSWORD
                await station.connected()
                await central.next("SecurityEventNotification", lambda each: each["type"] == name)
                await clock.sleep(60)
                assert told(central).count(name) == 1
        finally:
            await station.stop()

    live(story)


@ALL
def test_without_a_root_the_authorities_of_the_system_count(version: Version, tmp_path: Path) -> None:
    """None of them vouches for a private authority."""
    root = Authority.make(tmp_path)

    async def story(clock: VirtualClock) -> None:
        async with (
            served(clock, version, tls=root.server()) as central,
            living(clock, configured(central.url, version, None)),
        ):
            await clock.sleep(ATTEMPTS_S)
            assert central.connections == 0

    live(story)


# Files


@ALL
@pytest.mark.parametrize("trusted", [True, False])
def test_files_are_judged_by_the_same_roots(
    version: Version, trusted: bool, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    root = Authority.make(tmp_path)
    owner = root if trusted else Authority.make(tmp_path, "Somebody Else")

    async def story(clock: VirtualClock) -> None:
        async with (
            served(clock, version, tls=root.server()) as central,
            file_server(owner.server()) as files,
            living(clock, configured(central.url, version, root)) as station,
        ):
            files.files["image"] = b"VOLTBRIDGE FIRMWARE 2.5.0\n"
            await station.connected()
            log = {"remoteLocation": files.url}
            request = {"logType": "DiagnosticsLog", "requestId": 7, "log": log}
            assert (await central.call("GetLog", request))["status"] == "Accepted"
            expected = "Uploaded" if trusted else "UploadFailure"
            await central.next("LogStatusNotification", lambda each: each["status"] == expected)
            assert bool(files.uploads) is trusted
            moment = str(DateTime.of(clock.now()))
            firmware = {"location": files.url + "image", "retrieveDateTime": moment}
            if version is V16:
                firmware["retrieveDate"] = firmware.pop("retrieveDateTime")
                await central.call("UpdateFirmware", firmware)
            else:
                await central.call("UpdateFirmware", {"requestId": 8, "firmware": firmware})
            expected = "Downloaded" if trusted else "DownloadFailed"
            await central.next("FirmwareStatusNotification", lambda each: each["status"] == expected)

    live(story)
    said = capsys.readouterr().out
    for what in ("a log did not go", "firmware did not come"):
        lines = [line for line in said.splitlines() if what in line]
        assert trusted is (lines == [])
        assert all("certificate verify failed" in line for line in lines)


@ALL
def test_the_first_root_that_is_installed_cuts_off_nobody(
    version: Version, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The authorities of the system count until the root has proved itself, and not after."""
    public, private = Authority.make(tmp_path, "Public"), Authority.make(tmp_path, "Private")
    monkeypatch.setenv("SSL_CERT_FILE", str(public.ca_file))
    tls_context.cache_clear()
    use = "CentralSystemRootCertificate" if version is V16 else "CSMSRootCertificate"

    async def story(clock: VirtualClock) -> None:
        async with (
            served(clock, version, tls=public.server()) as central,
            living(clock, configured(central.url, version, None)) as station,
        ):
            await station.connected()
            request = {"certificateType": use, "certificate": private.pem}
            assert (await central.call("InstallCertificate", request))["status"] == "Accepted"
            await central.cut()
            while central.connections < 2 or not station.online:
                await clock.sleep(1)
            assert "InvalidCsmsCertificate" not in told(central)
            await _closed(central)
            async with served(clock, version, tls=private.server(), port=central.port) as second:
                while not (second.connections and station.online):
                    await clock.sleep(1)
                await _closed(second)
            async with served(clock, version, tls=public.server(), port=central.port) as third:
                await clock.sleep(ATTEMPTS_S)
                assert third.connections == 0

    try:
        live(story)
    finally:
        tls_context.cache_clear()


# Moving to TLS


@pytest.mark.parametrize("version", [V201, V21])
def test_a_station_without_tls_moves_to_a_csms_with_it_by_a_root_that_is_installed(
    version: Version, tmp_path: Path
) -> None:
    """M05, B09, B10, A05: without the root the profile is refused; afterwards there is no way back."""
    root = Authority.make(tmp_path)

    async def story(clock: VirtualClock) -> None:
        async with (
            charging(clock, version, password=PASSWORD, variables=SOON) as (central, station),
            served(clock, version, tls=root.server()) as secure,
        ):
            secure.password = PASSWORD

            def profile(url: str, level: int) -> Message:
                return {
                    "messageTimeout": 30,
                    "ocppCsmsUrl": url,
                    "ocppInterface": "Wired0",
                    "ocppVersion": "OCPP20" if version is V201 else "OCPP21",
                    "ocppTransport": "JSON",
                    "securityProfile": level,
                }

            request = {"configurationSlot": 2, "connectionData": profile(secure.url, 2)}
            assert (await central.call("SetNetworkProfile", request))["status"] == "Accepted"
            priority = {
                "component": {"name": "OCPPCommCtrlr"},
                "variable": {"name": "NetworkConfigurationPriority"},
                "attributeValue": "2,1",
            }
            for expected in ("Rejected", "RebootRequired"):
                answer = await central.call("SetVariables", {"setVariableData": [priority]})
                assert answer["setVariableResult"][0]["attributeStatus"] == expected
                request = {"certificateType": "CSMSRootCertificate", "certificate": root.pem}
                assert (await central.call("InstallCertificate", request))["status"] == "Accepted"
            assert (await central.call("Reset", {"type": "Immediate"}))["status"] == "Accepted"
            await secure.next("BootNotification")
            await station.connected()
            assert station.services.context.settings.security_profile == 2
            request = {"configurationSlot": 1, "connectionData": profile(central.url, 1)}
            answer = await secure.call("SetNetworkProfile", request)
            assert (answer["status"], answer["statusInfo"]["reasonCode"]) == ("Rejected", "NoSecurityDowngrade")

    live(story)


def test_a_charge_point_raises_its_security_profile_once_it_has_a_root(tmp_path: Path) -> None:
    """1.6, A05: at the same address, which speaks TLS by then."""
    root = Authority.make(tmp_path)

    async def story(clock: VirtualClock) -> None:
        async with served(clock, V16) as central:
            configuration = StationConfiguration("CP-1", central.url, (V16,), password=PASSWORD, variables=SOON)
            async with living(clock, configuration) as station:
                await station.connected()
                raised = {"key": "SecurityProfile", "value": "2"}
                assert (await central.call("ChangeConfiguration", raised))["status"] == "Rejected"
                request = {"certificateType": "CentralSystemRootCertificate", "certificate": root.pem}
                assert (await central.call("InstallCertificate", request))["status"] == "Accepted"
                assert (await central.call("ChangeConfiguration", raised))["status"] == "Accepted"
                await _closed(central)
                async with served(clock, V16, tls=root.server(), port=central.port) as secure:
                    secure.password = PASSWORD
                    while not (secure.connections and station.online):
                        await clock.sleep(1)
                    answer = await secure.call("GetConfiguration", {"key": ["SecurityProfile"]})
                    assert answer["configurationKey"][0]["value"] == "2"

    live(story)


# The command line


@pytest.mark.anyio
@pytest.mark.timeout(120)
@pytest.mark.parametrize("kind", [("run", "CP-1", "--no-view"), ("fleet", "--count", "1")])
async def test_the_command_line_gives_roots_to_trust(kind: tuple[str, ...], tmp_path: Path) -> None:
    root, other = Authority.make(tmp_path), Authority.make(tmp_path, "Other")
    secret = tmp_path / "secret"
    secret.write_text(PASSWORD)
    arguments = [*kind, *(["--version", "2.0.1", "--password-file", str(secret)] if kind[0] == "run" else [])]
    async with asyncio.timeout(90), served(PacedClock(), *Version, tls=root.server()) as central:
        for file, trusted in ((other.ca_file, False), (root.ca_file, True)):
            command = [*COMMAND, *arguments, "--url", central.url, "--ca-file", str(file)]
            program = await asyncio.create_subprocess_exec(*command, stderr=asyncio.subprocess.PIPE)
            assert program.stderr is not None
            try:
                if trusted:
                    await central.next("StatusNotification")  # its boot has been accepted
                    if kind[0] == "run":
                        asked = {"component": {"name": "SecurityCtrlr"}, "variable": {"name": "SecurityProfile"}}
                        answer = await central.call("GetVariables", {"getVariableData": [asked]})
                        assert answer["getVariableResult"][0]["attributeValue"] == "2"
                else:
                    while b"certificate verify failed" not in (line := await program.stderr.readline()):
                        assert line, "it has ended"
                    assert central.connections == 0
            finally:
                program.terminate()
                await program.communicate()


@pytest.mark.parametrize("content", [None, b"no certificate"])
def test_a_file_of_no_certificates_is_wrong_usage(content: bytes | None, tmp_path: Path) -> None:
    file = tmp_path / "roots.pem"
    if content is not None:
        file.write_bytes(content)
    for kind in ("run", "fleet"):
        with pytest.raises(ConfigurationError, match="--ca-file"):
            CliRunner().invoke(app, ["station", kind, "--ca-file", str(file)], catch_exceptions=False)
