"""Chargers made by others that come by TLS: every version, with their files, and those that do not trust or fit."""

from __future__ import annotations

import asyncio
import hashlib
import io
import json
import random
import signal
import socket
import ssl
from typing import Any, Final

import aiohttp
import pytest
from tests.peers.charge_points import Peer, connected
from tests.peers.conftest import TlsCsms
from tests.support.pki import Authority
from websockets.asyncio.client import connect
from websockets.exceptions import InvalidStatus
from websockets.typing import Subprotocol

from voltbridge.protocol.versions import Version

pytestmark = pytest.mark.anyio

VERSIONS = pytest.mark.parametrize("version", list(Version), ids=lambda version: version.label)
PASSWORD: Final = "9fK-2mQx7_LbVt0Zr4sW"
FIRMWARE: Final = random.Random(3).randbytes(3_000_000)
LOG: Final = random.Random(4).randbytes(700_000)
ANSWERS: Final[dict[str, Any]] = {
    "GetLog": {"status": "Accepted", "filename": "diagnostics.log"},
}


async def boot(peer: Peer) -> Any:
    if peer.version is Version.V16:
        return await peer.call("BootNotification", charge_point_model="M", charge_point_vendor="V")
    return await peer.call("BootNotification", reason="PowerUp", charging_station={"model": "M", "vendor_name": "V"})


def order(peer: Peer) -> Any:
    """What the charger was asked for last."""
    return json.loads(next(text for text in reversed(peer.received) if text.startswith("[2,")))[3]


def only(csms: TlsCsms, ciphers: str) -> ssl.SSLContext:
    """A charger that speaks nothing but these suites of TLS 1.2."""
    context = csms.authority.trusted()
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    context.set_ciphers(ciphers)
    return context


def shown(csms: TlsCsms, context: ssl.SSLContext | None = None) -> tuple[str, str | None]:
    """The digest of the certificate that a charger is shown, and the version. Blocks."""
    with (
        socket.create_connection(("127.0.0.1", csms.tls_port), 60) as raw,
        (context or csms.authority.trusted()).wrap_socket(raw, server_hostname="localhost") as said,
    ):
        return hashlib.sha256(said.getpeercert(binary_form=True) or b"").hexdigest(), said.version()


@VERSIONS
async def test_a_charger_by_tls_and_its_files(csms: TlsCsms, version: Version, identity: str) -> None:
    rest, tls = csms.rest, csms.authority.trusted()
    await rest.post("/stations", {"station_id": identity, "password": PASSWORD, "minimum_security_profile": 2})
    async with connected(csms.tls_port, identity, version, password=PASSWORD, tls=tls) as peer:
        peer.answers |= ANSWERS | {"UpdateFirmware": {} if version is Version.V16 else {"status": "Accepted"}}
        assert (await boot(peer)).status == "Accepted"
        found = await rest.get(f"/stations/{identity}")
        assert (found["connected"], found["secure"], found["security_profile"]) == (True, True, 2)

        api = f"http://127.0.0.1:{csms.up.http_port}/api/v1"
        key = {"Authorization": f"Bearer {csms.up.admin_key}"}
        async with (
            aiohttp.ClientSession(headers=key | {"Content-Type": "application/octet-stream"}) as session,
            session.post(f"{api}/files?name=wallbox.bin", data=io.BytesIO(FIRMWARE)) as response,
        ):
            file = await response.json()
        image = await rest.post("/firmware", {"file_id": file["id"], "version": "2.0"})
        done = await rest.post(f"/stations/{identity}/commands/update_firmware", {"firmware_id": image["id"]})
        assert done["state"] == "Accepted", done
        asked = order(peer)
        location = asked["location"] if version is Version.V16 else asked["firmware"]["location"]
        assert location.startswith(f"https://127.0.0.1:{csms.tls_port}/files/")

        async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(ssl=tls)) as session:
            async with session.get(location, headers={"Range": "bytes=0-1999999"}) as response:
                assert response.status == 206
                first, etag = await response.read(), response.headers["ETag"]
            async with session.get(location, headers={"Range": "bytes=2000000-", "If-Range": etag}) as response:
                assert response.status == 206
                assert hashlib.sha256(first + await response.read()).hexdigest() == file["sha256"]

            done = await rest.post(f"/stations/{identity}/commands/get_log", {})
            upload = order(peer)["log"]["remoteLocation"]
            assert upload.startswith(f"https://127.0.0.1:{csms.tls_port}/files/")
            half = {"Content-Range": f"bytes 0-299999/{len(LOG)}"}
            async with session.put(f"{upload}a.log", data=LOG[:300_000], headers=half) as response:
                assert response.status == 202
            rest_of_it = {"Content-Range": f"bytes 300000-{len(LOG) - 1}/{len(LOG)}"}
            async with session.put(f"{upload}a.log", data=LOG[300_000:], headers=rest_of_it) as response:
                assert response.status == 201
        await peer.call("LogStatusNotification", status="Uploaded", request_id=order(peer)["requestId"])
        async with asyncio.timeout(60):
            while (ended := await rest.get(f"/commands/{done['id']}"))["outcome_state"] == "Pending":
                pass
        assert ended["outcome"]["sha256"] == hashlib.sha256(LOG).hexdigest()


@VERSIONS
async def test_a_charger_that_may_not_come_in_the_clear(csms: TlsCsms, version: Version, identity: str) -> None:
    await csms.rest.post("/stations", {"station_id": identity, "password": PASSWORD, "minimum_security_profile": 2})
    with pytest.raises(InvalidStatus) as refused:
        async with connected(csms.port, identity, version, password=PASSWORD):
            pass
    assert refused.value.response.status_code == 403
    with pytest.raises(InvalidStatus) as refused:
        async with connected(csms.tls_port, identity, version, tls=csms.authority.trusted()):
            pass
    assert refused.value.response.status_code == 401
    async with connected(csms.tls_port, identity, version, password=PASSWORD, tls=csms.authority.trusted()) as peer:
        assert (await boot(peer)).status == "Accepted"


@pytest.mark.parametrize(
    "ciphers",
    ["ECDHE-ECDSA-AES128-GCM-SHA256", "ECDHE-ECDSA-AES256-GCM-SHA384", "AES128-GCM-SHA256", "AES256-GCM-SHA384"],
)
async def test_a_charger_that_has_one_suite_of_the_standard(csms: TlsCsms, ciphers: str, identity: str) -> None:
    await csms.rest.post("/stations", {"station_id": identity})
    async with connected(csms.tls_port, identity, Version.V201, tls=only(csms, ciphers)) as peer:
        assert (await boot(peer)).status == "Accepted"


@pytest.mark.filterwarnings("ignore:ssl.TLSVersion")
async def test_chargers_that_do_not_fit_are_told_apart_and_disturb_nobody(csms: TlsCsms, identity: str) -> None:
    await csms.rest.post("/stations", {"station_id": identity})
    async with connected(csms.tls_port, identity, Version.V16, tls=csms.authority.trusted()) as peer:
        before = len(csms.up.said)
        old = csms.authority.trusted()
        old.set_ciphers("ALL:@SECLEVEL=0")
        old.minimum_version, old.maximum_version = ssl.TLSVersion.TLSv1, ssl.TLSVersion.TLSv1_1
        for context in (Authority("Somebody else").trusted(), old, only(csms, "ECDHE-RSA-AES128-SHA")):
            with pytest.raises((ssl.SSLError, ConnectionError)):
                await asyncio.to_thread(shown, csms, context)
        with pytest.raises((aiohttp.ClientError, ConnectionError)):
            async with aiohttp.ClientSession() as session:
                await session.get(f"http://127.0.0.1:{csms.tls_port}/ocpp/{identity}")
        for reason in ("certificate refused", "version", "cipher", "no TLS"):
            await csms.up.says(f"{reason}", after=before)
        _, silent = await asyncio.open_connection("127.0.0.1", csms.tls_port)
        assert (await boot(peer)).status == "Accepted"
        silent.transport.abort()


async def test_a_new_certificate_while_chargers_stay(csms: TlsCsms, identity: str) -> None:
    await csms.rest.post("/stations", {"station_id": identity})
    async with connected(csms.tls_port, identity, Version.V21, tls=csms.authority.trusted()) as peer:
        renewed = csms.authority.issue()
        renewed.write(csms.directory, "EC")
        csms.up.process.send_signal(signal.SIGHUP)
        async with asyncio.timeout(60):
            while (await asyncio.to_thread(shown, csms))[0] != renewed.sha256:
                pass
        assert (await boot(peer)).status == "Accepted"
        assert (await csms.rest.get(f"/stations/{identity}"))["connected"]


async def test_a_large_message_that_is_not_compressed(csms: TlsCsms, identity: str) -> None:
    await csms.rest.post("/stations", {"station_id": identity})
    url = f"wss://127.0.0.1:{csms.tls_port}/ocpp/{identity}"
    tls = csms.authority.trusted()
    async with connect(url, ssl=tls, subprotocols=[Subprotocol("ocpp1.6")], compression=None, proxy=None) as socket:
        boot = {"chargePointModel": "M", "chargePointVendor": "V"}
        await socket.send(json.dumps([2, "1", "BootNotification", boot]))
        assert json.loads(await socket.recv())[2]["status"] == "Accepted"
        large = {"vendorId": "x", "data": "y" * 800_000}
        await socket.send(json.dumps([2, "2", "DataTransfer", large]))
        assert json.loads(await socket.recv())[:2] == [3, "2"]
