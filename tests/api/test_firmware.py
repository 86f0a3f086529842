"""Firmware from the file to the version a station boots with, in every version, and everything that goes wrong."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from tests.api.clients import Answer, Api, RefusedCall, Station
from tests.support.certificates import signer

from voltbridge.app import Running
from voltbridge.csms.blocks.l_firmware import service

pytestmark = pytest.mark.anyio

V16, V201, V21 = "ocpp1.6", "ocpp2.0.1", "ocpp2.1"
ALL = pytest.mark.parametrize("protocol", [V16, V201, V21])
V2 = pytest.mark.parametrize("protocol", [V201, V21])
DATA = b"\x7fFIRMWARE" * 5000
UNPROVEN = "the station told that it is installed, and has not booted with it"


class Charger:
    """A station that updates itself as told."""

    def __init__(self, station: Station, protocol: str, api: Api, identity: str) -> None:
        self.station, self.protocol, self.api, self.identity = station, protocol, api, identity
        self.old = protocol == V16
        station.answers |= {
            "UpdateFirmware": {} if self.old else {"status": "Accepted"},
            "SignedUpdateFirmware": {"status": "Accepted"},
            "PublishFirmware": {"status": "Accepted"},
            "UnpublishFirmware": {"status": "Unpublished"},
        }

    @property
    def asked(self) -> dict[str, Any]:
        """The last order."""
        payload: dict[str, Any] = self.station.calls[-1][1]
        return payload

    @property
    def firmware(self) -> dict[str, Any]:
        found: dict[str, Any] = self.asked.get("firmware", self.asked)
        return found

    async def boot(self, version: str | None = "1.0") -> None:
        told = {} if version is None else {"firmwareVersion": version}
        if self.old:
            made_by = {"chargePointVendor": "Example", "chargePointModel": "Wallbox", **told}
            await self.station.call("BootNotification", made_by)
        else:
            made_by = {"vendorName": "Example", "model": "Wallbox", **told}
            await self.station.call("BootNotification", {"reason": "FirmwareUpdate", "chargingStation": made_by})

    async def tell(self, *statuses: str, request_id: int | None = None) -> None:
        for status in statuses:
            if self.old and "requestId" not in self.asked:
                await self.station.call("FirmwareStatusNotification", {"status": status})
                continue
            action = "SignedFirmwareStatusNotification" if self.old else "FirmwareStatusNotification"
            said = {"status": status, "requestId": request_id or self.asked["requestId"]}
            await self.station.call(action, said)

    async def command(self, name: str, **parameters: Any) -> Any:
        answer = await self.api("POST", f"/stations/{self.identity}/commands/{name}", parameters)
        assert answer.status == 200, answer
        return answer.body

    async def update(self, firmware: Any, **parameters: Any) -> Any:
        return await self.command("update_firmware", firmware_id=firmware["id"], **parameters)

    async def history(self) -> list[Any]:
        items: list[Any] = (await self.api.get(f"/stations/{self.identity}/firmware"))["items"]
        return items

    async def events(self, type: str) -> list[Any]:
        headers = {"Authorization": f"Bearer {self.api.key}", "Accept": "application/json"}
        found = await self.api.get(f"/events?type={type}&station_id={self.identity}", headers=headers)
        return [event["data"] for event in found["items"]]

    async def outcome(self, command: Any) -> tuple[str, Any]:
        async with asyncio.timeout(30):
            while (found := await self.api.get(f"/commands/{command['id']}"))["outcome_state"] == "Pending":
                pass
        return found["outcome_state"], found["outcome"]

    async def corrected(self, command: Any) -> tuple[str, Any]:
        """Wait until it is known that the outcome was another."""
        async with asyncio.timeout(30):
            while "corrected_from" not in (found := await self.api.get(f"/commands/{command['id']}"))["outcome"]:
                pass
        return found["outcome_state"], found["outcome"]

    async def fetch(self) -> Answer:
        async with self.api.session.get(self.firmware["location"]) as response:
            return Answer(response.status, None, response.headers, await response.read())


@asynccontextmanager
async def charging(api: Api, running: Running, protocol: str) -> AsyncIterator[Charger]:
    identity = f"fw-{uuid.uuid4().hex[:8]}"
    await api("POST", "/stations", {"station_id": identity})
    async with Station(running.ocpp_port, identity, protocol) as station:
        charger = Charger(station, protocol, api, identity)
        await charger.boot()
        yield charger


async def image(api: Api, *, signed: bool = True, kind: str = "ec", **more: Any) -> Any:
    headers = {"Authorization": f"Bearer {api.key}", "Content-Type": "application/octet-stream"}
    file = (await api("POST", "/files?name=wallbox.bin", headers=headers, data=DATA)).body
    made = signer(kind)
    belief = {"signature": made.sign(DATA), "signing_certificate": made.pem} if signed else {}
    answer = await api("POST", "/firmware", {"file_id": file["id"], "version": "2.0", **belief, **more})
    assert answer.status == 201, answer
    return answer.body


@ALL
@pytest.mark.parametrize(
    ("signed", "chosen", "told"),
    [
        (True, {"retries": 5, "retry_interval_s": 10}, {"retries": 5, "retryInterval": 10}),
        (False, {}, {"retries": 3, "retryInterval": 60}),
        (False, {"retries": None, "retry_interval_s": None}, {}),
    ],
    ids=["signed", "unsigned", "its own tries"],
)
async def test_from_the_file_to_the_boot(
    api: Api, running: Running, protocol: str, signed: bool, chosen: dict[str, Any], told: dict[str, int]
) -> None:
    firmware = await image(api, signed=signed)
    assert firmware["signature_verified"] is signed
    async with charging(api, running, protocol) as charger:
        command = await charger.update(firmware, **chosen)
        assert (command["state"], command["outcome_state"]) == ("Accepted", "Pending")
        order = charger.firmware
        assert {name: charger.asked[name] for name in ("retries", "retryInterval") if name in charger.asked} == told
        assert order["location"].startswith(f"http://127.0.0.1:{running.ocpp_port}/files/")
        assert ("signature" in order, "signingCertificate" in order) == (signed, signed)
        if signed:
            assert order["signingCertificate"] == signer().pem
        assert charger.station.calls[-1][0] == ("SignedUpdateFirmware" if signed and charger.old else "UpdateFirmware")

        await charger.tell("Downloading")
        fetched = await charger.fetch()
        assert (fetched.status, fetched.raw) == (200, DATA)
        found = await api.get(f"/commands/{command['id']}")
        assert (found["outcome_state"], found["outcome"]) == ("Pending", {"status": "Downloading"})
        await charger.tell("Downloaded")
        assert (await charger.fetch()).status == 410, "the address has done its service"
        await charger.tell("Installing", "Installed")
        (update,) = await charger.history()
        assert (update["state"], update["status"], update["from_version"]) == ("Pending", "Installed", "1.0")
        await charger.boot("2.0")
        assert await charger.outcome(command) == (
            "Completed",
            {"status": "Installed", "version": "2.0", "installed_version": "2.0", "verified": True},
        )
        (update,) = await charger.history()
        assert (update["state"], update["verified"], update["signed"]) == ("Installed", True, signed)
        assert [one["status"] for one in update["statuses"]] == ["Downloading", "Downloaded", "Installing", "Installed"]
        shown = str(await api.get(f"/stations/{charger.identity}/messages"))
        assert "/files/***/wallbox.bin" in shown
        assert order["location"] not in shown + str(command)


@ALL
async def test_installed_after_the_boot(api: Api, running: Running, protocol: str) -> None:
    firmware = await image(api, kind="rsa")
    async with charging(api, running, protocol) as charger:
        command = await charger.update(firmware)
        await charger.tell("Downloading", "Downloaded", "Installing")
        await charger.boot("2.0")
        state, outcome = await charger.outcome(command)
        assert (state, outcome["verified"]) == ("Completed", True), "the boot is the proof, whatever is told of it"
        await charger.tell("Installed")
        (update,) = await charger.history()
        assert (update["state"], update["status"]) == ("Installed", "Installed")


@ALL
async def test_told_to_be_installed_and_it_is_not(api: Api, running: Running, protocol: str) -> None:
    firmware = await image(api)
    async with charging(api, running, protocol) as charger:
        command = await charger.update(firmware)
        await charger.tell("Downloading", "Downloaded", "Installing", "Installed")
        await charger.boot("1.0")
        state, outcome = await charger.outcome(command)
        assert (state, outcome["verified"]) == ("Failed", False)
        assert outcome["problem"] == "it was told to be installed, and the station boots with version 1.0"
        (event,) = await charger.events("firmware.version_mismatch")
        assert event["installed_version"] == "1.0"


@pytest.mark.parametrize(
    ("protocol", "status"),
    [
        (V16, "DownloadFailed"),
        (V16, "InstallationFailed"),
        (V201, "InvalidSignature"),
        (V201, "InstallVerificationFailed"),
        (V21, "DownloadFailed"),
        (V21, "InstallationFailed"),
    ],
)
async def test_it_fails(api: Api, running: Running, protocol: str, status: str) -> None:
    firmware = await image(api, signed=protocol != V16)
    async with charging(api, running, protocol) as charger:
        command = await charger.update(firmware)
        await charger.tell("Downloading", status)
        assert await charger.outcome(command) == (
            "Failed",
            {"status": status, "version": "2.0", "problem": status},
        )
        assert (await charger.fetch()).status == 410
        await charger.boot("1.0")
        (update,) = await charger.history()
        assert (update["state"], update["problem"]) == ("Failed", status)


@pytest.mark.parametrize(
    ("protocol", "status"), [(V16, "InvalidCertificate"), (V201, "RevokedCertificate"), (V21, "Rejected")]
)
async def test_refused(api: Api, running: Running, protocol: str, status: str) -> None:
    firmware = await image(api)
    async with charging(api, running, protocol) as charger:
        charger.station.answers |= {name: {"status": status} for name in ("UpdateFirmware", "SignedUpdateFirmware")}
        command = await charger.update(firmware)
        assert (command["state"], command["answer"]["status"], command["outcome_state"]) == ("Rejected", status, None)
        assert (await charger.fetch()).status == 410
        (update,) = await charger.history()
        assert (update["state"], update["problem"]) == ("Rejected", status)


@ALL
async def test_another_takes_its_place(api: Api, running: Running, protocol: str) -> None:
    first, second = await image(api, version="2.0"), await image(api, version="3.0")
    async with charging(api, running, protocol) as charger:
        one = await charger.update(first)
        await charger.tell("Downloading")
        former = charger.asked.get("requestId")
        answer = {"status": "AcceptedCanceled"}
        charger.station.answers |= {"UpdateFirmware": answer, "SignedUpdateFirmware": answer}
        two = await charger.update(second)
        assert (two["state"], two["answer"]["status"]) == ("Accepted", "AcceptedCanceled")
        state, outcome = await charger.outcome(one)
        assert (state, outcome["problem"]) == ("Failed", f"the update of command {two['id']} took its place")
        await charger.tell("DownloadFailed", request_id=former)  # L01.FR.24: it may be told of the former one
        await charger.tell("Downloading", "Downloaded", "Installing")
        await charger.boot("3.0")
        assert (await charger.outcome(two))[0] == "Completed"
        assert [update["state"] for update in await charger.history()] == ["Installed", "Superseded"]


@V2
async def test_one_that_cannot_be_cancelled_goes_on(api: Api, running: Running, protocol: str) -> None:
    firmware = await image(api)
    async with charging(api, running, protocol) as charger:
        one = await charger.update(firmware)
        charger.station.answers["UpdateFirmware"] = {"status": "Rejected"}
        await charger.tell("Downloading")
        number = charger.asked["requestId"]
        two = await charger.update(firmware)
        assert (two["state"], two["outcome_state"]) == ("Rejected", None)
        await charger.tell("Downloaded", "Installing", request_id=number)
        await charger.boot("2.0")
        assert (await charger.outcome(one))[0] == "Completed"


async def test_a_station_that_does_not_know_the_signed_message(api: Api, running: Running) -> None:
    firmware = await image(api)
    async with charging(api, running, V16) as charger:
        charger.station.answers["SignedUpdateFirmware"] = ["NotImplemented", "", {}]
        command = await charger.update(firmware)
        assert (command["state"], command["error"]["code"]) == ("Failed", "NotImplemented")
        assert (await charger.history())[0]["state"] == "Failed"
        command = await charger.update(firmware, signed=False)
        assert command["state"] == "Accepted"
        assert charger.station.calls[-1][0] == "UpdateFirmware"
        await charger.tell("Downloading", "Downloaded", "Installing", "Installed")
        assert [update["status"] for update in await charger.history()] == ["Installed", None]


@ALL
async def test_held_for_a_station_that_is_away(api: Api, running: Running, protocol: str) -> None:
    firmware = await image(api)
    async with charging(api, running, protocol) as charger:
        identity = charger.identity
    body = {"firmware_id": firmware["id"], "hold": True}
    held = await api("POST", f"/stations/{identity}/commands/update_firmware", body)
    assert (held.status, held.body["state"]) == (202, "Queued")
    assert (await api.get(f"/stations/{identity}/firmware"))["items"] == []
    async with Station(running.ocpp_port, identity, protocol) as station:
        charger = Charger(station, protocol, api, identity)
        await charger.boot()
        async with asyncio.timeout(30):
            await station.called.wait()
        assert (await charger.fetch()).raw == DATA


async def test_scheduled(api: Api, running: Running) -> None:
    firmware = await image(api)
    retrieve_at, install_at = "2099-01-01T00:00:00Z", "2099-01-02T00:00:00Z"
    async with charging(api, running, V201) as charger:
        command = await charger.update(firmware, retrieve_at=retrieve_at, install_at=install_at)
        assert charger.firmware["retrieveDateTime"] == "2099-01-01T00:00:00.000Z"
        assert charger.firmware["installDateTime"] == "2099-01-02T00:00:00.000Z"
        await charger.tell("DownloadScheduled", "Downloading", "Downloaded", "SignatureVerified", "InstallScheduled")
        assert (await charger.history())[0]["deadline_at"] == "2099-01-03T00:00:00.000Z"
        assert (await api.get(f"/commands/{command['id']}"))["outcome"] == {"status": "InstallScheduled"}


async def test_elsewhere(api: Api, running: Running) -> None:
    made = signer()
    async with charging(api, running, V21) as charger:
        location = "ftp://user:word@files.example.com/wallbox.bin"
        belief = {"signature": made.sign(b"x"), "signing_certificate": made.pem}
        command = await charger.command("update_firmware", location=location, version="5.0", **belief)
        assert charger.firmware["location"] == location
        assert command["parameters"]["location"] == "ftp://***@files.example.com/wallbox.bin"
        await charger.tell("Downloading", "Downloaded", "Installed")
        await charger.boot("5.0")
        assert (await charger.outcome(command))[0] == "Completed"


@pytest.mark.parametrize(
    ("parameters", "status", "said"),
    [
        ({}, 422, "$.firmware_id: or location is needed"),
        ({"location": "gopher://x/y"}, 422, "must be a URL"),
        ({"location": "http:///x"}, 422, "must be a URL"),
        ({"location": "http://x/y", "signature": "QUJD"}, 422, "give both or none"),
        ({"location": "http://x/y", "signature": "QUJD", "signing_certificate": "x"}, 422, "X.509"),
        ({"location": "http://x/y", "signed": True}, 422, "$.signed: needs signature"),
        ({"firmware_id": "1", "signature": "QUJD", "signing_certificate": "x"}, 422, "is the image's"),
        ({"firmware_id": "x"}, 400, "firmware_id"),
        ({"firmware_id": "1", "install_at": "2026-01-01T00:00:00"}, 400, "install_at"),
        (
            {"location": "http://x/y", "retrieve_at": "2099-01-02T00:00:00Z", "install_at": "2099-01-01T00:00:00Z"},
            422,
            "must not be before",
        ),
        ({"location": "http://x/" + "y" * 600}, 422, ""),
    ],
)
async def test_what_cannot_be_asked(
    api: Api, running: Running, parameters: dict[str, Any], status: int, said: str
) -> None:
    async with charging(api, running, V201) as charger:
        answer = await api("POST", f"/stations/{charger.identity}/commands/update_firmware", parameters)
        if said:
            assert (answer.status, said in answer.body["detail"]) == (status, True), answer
        else:
            assert answer.body["error"]["code"] == "unsupported"
        assert charger.station.calls == []


async def test_what_16_cannot_do(api: Api, running: Running) -> None:
    firmware = await image(api, signed=False)
    async with charging(api, running, V16) as charger:
        path = f"/stations/{charger.identity}/commands"
        later = {"location": "http://x/y", "install_at": "2099-01-01T00:00:00Z"}
        answer = await api("POST", f"{path}/update_firmware", later)
        assert (answer.status, "leave install_at out" in answer.body["detail"]) == (422, True)
        for name in ("publish_firmware", "unpublish_firmware"):
            answer = await api("POST", f"{path}/{name}", {"firmware_id": firmware["id"]})
            assert (answer.status, "local controllers" in answer.body["detail"]) == (422, True)
        command = await charger.update(firmware, install_at="2099-01-01T00:00:00Z")
        assert command["error"]["code"] == "unsupported"


async def test_an_image_for_another_model(api: Api, running: Running) -> None:
    firmware = await image(api, vendor="Example", model="Ultra")
    async with charging(api, running, V201) as charger:
        command = await charger.update(firmware)
        assert (command["state"], command["error"]["code"]) == ("Failed", "invalid")
        assert "is for the model Ultra, and the station tells Wallbox" in command["error"]["detail"]
        assert charger.station.calls == []
        assert (await charger.update(firmware, any_model=True))["state"] == "Accepted"


async def test_an_image_that_is_not_there(api: Api, running: Running) -> None:
    async with charging(api, running, V201) as charger:
        command = await charger.command("update_firmware", firmware_id="12345")
        assert (command["state"], command["error"]) == (
            "Failed",
            {"code": "invalid", "detail": "there is no firmware 12345"},
        )


async def test_images(api: Api, running: Running) -> None:
    firmware = await image(api, vendor="Example", note="for the first batch")
    assert await api.get(f"/firmware/{firmware['id']}") == firmware
    assert (await api.get("/firmware?limit=1"))["items"] == [firmware]
    refused = await api("DELETE", f"/files/{firmware['file_id']}")
    assert (refused.status, f"firmware {firmware['id']}" in refused.body["detail"]) == (409, True)
    async with charging(api, running, V201) as charger:
        command = await charger.update(firmware)
        assert (await api("DELETE", f"/firmware/{firmware['id']}")).status == 422
        await charger.tell("DownloadFailed")
        await charger.outcome(command)
    assert (await api("DELETE", f"/firmware/{firmware['id']}")).status == 204
    assert (await api("DELETE", f"/firmware/{firmware['id']}")).status == 404
    assert (await api("DELETE", f"/files/{firmware['file_id']}")).status == 204


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"signature": signer().sign(b"another file")}, "$.signature: is not an ECDSA signature"),
        ({"signature": None}, "$.signature: is needed too"),
        ({"signing_certificate": None}, "$.signing_certificate: is needed too"),
        ({"signing_certificate": signer("ec", -40, 30).pem}, "not now"),
        ({"signing_certificate": "nonsense"}, "X.509"),
        ({"signature": "nonsense!"}, "base64"),
        ({"file_id": "1"}, "$.file_id: is of no file"),
    ],
)
async def test_a_signature_that_is_wrong_is_refused(api: Api, change: dict[str, Any], said: str) -> None:
    firmware = await image(api)
    before = (await api.get("/firmware"))["items"]
    body = {
        "file_id": firmware["file_id"],
        "version": "2.0",
        "signature": signer().sign(DATA),
        "signing_certificate": signer().pem,
        **change,
    }
    refused = await api("POST", "/firmware", {name: value for name, value in body.items() if value is not None})
    assert (refused.status, said in refused.body["detail"]) == (422, True), refused
    assert (await api.get("/firmware"))["items"] == before
    if change.keys() == {"signature"} and change["signature"] and "ECDSA" in said:
        unchecked = await api("POST", "/firmware", {**body, "verify_signature": False})
        assert (unchecked.status, unchecked.body["signature_verified"]) == (201, False)


@V2
async def test_statuses_nobody_asked_for(api: Api, running: Running, protocol: str) -> None:
    async with charging(api, running, protocol) as charger:
        await charger.station.call("FirmwareStatusNotification", {"status": "Idle"})
        await charger.station.call("FirmwareStatusNotification", {"status": "Installing", "requestId": 77})
        with pytest.raises(RefusedCall):
            await charger.station.call("FirmwareStatusNotification", {"status": "Exploded", "requestId": 77})
        assert await charger.history() == []
        assert [event["status"] for event in await charger.events("firmware.status")] == ["Installing", "Idle"]


async def test_no_answer_and_then_it_is_done_all_the_same(api: Api, running: Running) -> None:
    firmware = await image(api)
    async with charging(api, running, V201) as charger:
        charger.station.answers["UpdateFirmware"] = None
        command = await charger.update(firmware, timeout_s=0.05)
        assert command["state"] == "TimedOut"
        assert (await charger.history())[0]["state"] == "Failed"
        assert (await charger.fetch()).raw == DATA, "it may have been taken, and needs its file"
        await charger.tell("Downloading")
        (update,) = await charger.history()
        assert (update["state"], update["problem"]) == ("Pending", None)
        await charger.tell("Downloaded", "Installing")
        await charger.boot("2.0")
        async with asyncio.timeout(30):
            while (await charger.history())[0]["verified"] is None:
                pass
        assert (await charger.history())[0]["state"] == "Installed"


@V2
async def test_published_and_no_more(api: Api, running: Running, protocol: str) -> None:
    firmware = await image(api)
    checksum = (await api.get(f"/files/{firmware['file_id']}"))["md5"]
    async with charging(api, running, protocol) as charger:
        command = await charger.command("publish_firmware", firmware_id=firmware["id"])
        assert command["outcome_state"] == "Pending"
        assert charger.asked["checksum"] == checksum
        assert (await charger.fetch()).raw == DATA
        number = charger.asked["requestId"]
        for status in ("Downloading", "Downloaded", "ChecksumVerified"):
            await charger.station.call("PublishFirmwareStatusNotification", {"status": status, "requestId": number})
        locations = ["http://10.0.0.9/wallbox.bin", "ftp://10.0.0.9/wallbox.bin"]
        published = {"status": "Published", "requestId": number, "location": locations}
        await charger.station.call("PublishFirmwareStatusNotification", published)
        assert await charger.outcome(command) == (
            "Completed",
            {"status": "Published", "checksum": checksum, "locations": locations},
        )
        path = f"/stations/{charger.identity}/published-firmware"
        (shown,) = (await api.get(path))["items"]
        assert (shown["status"], shown["locations"], shown["firmware_id"]) == ("Published", locations, firmware["id"])
        await charger.station.call("PublishFirmwareStatusNotification", {"status": "Idle"})
        assert (await api.get(path))["items"] == [shown]

        charger.station.answers["UnpublishFirmware"] = {"status": "DownloadOngoing"}
        assert (await charger.command("unpublish_firmware", firmware_id=firmware["id"]))["state"] == "Rejected"
        assert len((await api.get(path))["items"]) == 1
        charger.station.answers["UnpublishFirmware"] = {"status": "Unpublished"}
        done = await charger.command("unpublish_firmware", checksum=checksum)
        assert (done["state"], done["answer"]["status"]) == ("Accepted", "Unpublished")
        assert (await api.get(path))["items"] == []


@V2
@pytest.mark.parametrize("status", ["DownloadFailed", "InvalidChecksum", "PublishFailed"])
async def test_publishing_fails(api: Api, running: Running, protocol: str, status: str) -> None:
    async with charging(api, running, protocol) as charger:
        path = f"/stations/{charger.identity}/published-firmware"
        where = {"location": "https://files.example.com/x.bin", "checksum": "0" * 32}
        charger.station.answers["PublishFirmware"] = {"status": "Rejected"}
        assert (await charger.command("publish_firmware", **where))["state"] == "Rejected"
        assert (await api.get(path))["items"] == []
        charger.station.answers["PublishFirmware"] = {"status": "Accepted"}
        command = await charger.command("publish_firmware", **where)
        told = {"status": status, "requestId": charger.asked["requestId"]}
        await charger.station.call("PublishFirmwareStatusNotification", told)
        assert (await charger.outcome(command)) == ("Failed", {"status": status, "checksum": "0" * 32})
        assert (await api.get(path))["items"][0]["status"] == status


@pytest.mark.parametrize(
    "parameters", [{}, {"firmware_id": "1", "checksum": "0" * 32}, {"checksum": "0" * 32}, {"location": "x"}]
)
async def test_what_cannot_be_published(api: Api, running: Running, parameters: dict[str, Any]) -> None:
    async with charging(api, running, V201) as charger:
        answer = await api("POST", f"/stations/{charger.identity}/commands/publish_firmware", parameters)
        assert answer.status == 422, answer
        assert charger.station.calls == []


@ALL
async def test_an_update_that_was_given_up_and_is_there_later_is_no_failure(
    api: Api, running: Running, protocol: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Told to be installed, never booted in time: unconfirmed. The boot that comes at last corrects the command."""
    monkeypatch.setattr(service, "_ACTIVATION_S", 0.0)
    firmware = await image(api)
    async with charging(api, running, protocol) as charger:
        command = await charger.update(firmware)
        await charger.tell("Downloading", "Downloaded", "Installing", "Installed")
        state, told = await charger.outcome(command)
        assert (state, told["problem"]) == ("Failed", UNPROVEN)
        (update,) = await charger.history()
        assert update["state"] == "Unconfirmed"
        assert await charger.events("command.outcome_corrected") == []

        await charger.boot("2.0")
        state, told = await charger.corrected(command)
        (update,) = await charger.history()
        assert (update["state"], update["verified"]) == ("Installed", True)
        assert (state, told["installed_version"], told["verified"]) == ("Completed", "2.0", True)
        assert (told["corrected_from"], told["problem_before"]) == ("Failed", UNPROVEN)
        assert "problem" not in told
        (event,) = await charger.events("command.outcome_corrected")
        assert (event["id"], event["outcome_state"], event["outcome"]) == (command["id"], "Completed", told)
        # It is said once, however often the station boots.
        await charger.boot("2.0")
        assert len(await charger.events("command.outcome_corrected")) == 1


@ALL
async def test_an_update_taken_for_done_that_is_not_there_is_a_failure(
    api: Api, running: Running, protocol: str
) -> None:
    """A station that had the version already tells Installed, and then boots with another."""
    firmware = await image(api)
    async with charging(api, running, protocol) as charger:
        await charger.boot("2.0")
        command = await charger.update(firmware)
        await charger.tell("Downloading", "Downloaded", "Installing", "Installed")
        assert (await charger.outcome(command))[0] == "Completed"
        await charger.boot("1.0")
        state, told = await charger.corrected(command)
        assert (state, told["corrected_from"], told["installed_version"]) == ("Failed", "Completed", "1.0")
        (event,) = await charger.events("command.outcome_corrected")
        assert event["outcome_state"] == "Failed"
