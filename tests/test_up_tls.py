"""``voltbridge up`` with a certificate: what it prints and refuses, and a certificate exchanged while stations stay."""

from __future__ import annotations

import asyncio
import hashlib
import signal
import socket
from typing import Any, Final

import pytest
from prometheus_client.parser import text_string_to_metric_families
from tests.api.clients import Api, Station
from tests.support.pki import Authority
from tests.test_up import Machine, machine

__all__ = ["machine"]

pytestmark = pytest.mark.anyio

CA: Final = Authority()


def options(machine: Machine, **issue: Any) -> tuple[str, ...]:
    certificate, key = CA.issue(**issue).write(machine.directory)
    return "--tls-certificate", str(certificate), "--tls-key", str(key), "--tls-port", "0"


def shown(port: int) -> str:
    """The digest of the certificate that a newcomer is shown. Blocks."""
    with (
        socket.create_connection(("127.0.0.1", port), 20) as raw,
        CA.trusted().wrap_socket(raw, server_hostname="localhost") as said,
    ):
        return hashlib.sha256(said.getpeercert(binary_form=True) or b"").hexdigest()


async def seconds_left(api: Api) -> float:
    answer = await api("GET", "/metrics", headers={})
    (family,) = [
        each
        for each in text_string_to_metric_families(answer.raw.decode())
        if each.name == "voltbridge_tls_certificate_expiry_seconds"
    ]
    return {sample.labels["key"]: sample.value for sample in family.samples}["EC"]


async def test_a_new_certificate_on_sighup_while_stations_stay(machine: Machine) -> None:
    up = machine.up(*options(machine, days=10), "--ocpp-port", "off", "--onboarding", "accept")
    assert up.ready["ocpp_port"] is None
    port = up.ready["tls_port"]
    assert up.process.stdout is not None
    printed = [await asyncio.to_thread(up.process.stdout.readline) for _ in range(4)]
    assert f"OCPP  wss://localhost:{port}/ocpp/{{identity}}\n" in printed
    api = up.api
    assert 9 * 86_400 < await seconds_left(api) < 10 * 86_400
    async with Station(port, "CP-1", tls=CA.trusted()) as station:
        assert (await station.boot())["status"] == "Accepted"
        renewed = CA.issue(days=60)
        renewed.write(machine.directory)
        up.process.send_signal(signal.SIGHUP)
        async with asyncio.timeout(30):
            while await asyncio.to_thread(shown, port) != renewed.sha256:
                pass
        assert 59 * 86_400 < await seconds_left(api) < 60 * 86_400
        await station.call("Heartbeat", {})
        (shown_station,) = (await api.get("/stations"))["items"]
        assert shown_station["connected"]
    await api.close()
    _, errors = await asyncio.to_thread(up.stop)
    assert "the TLS certificate expires in 9 days; renew it" in errors
    assert "certificates were read" in errors
    assert up.process.returncode == 0


async def test_files_that_cannot_be_used_stop_the_start(machine: Machine) -> None:
    start = ("up", "--ocpp-port", "0", "--http-port", "0")
    said = machine.refused(*start, "--tls-certificate", "none.pem", "--tls-key", "none.key")
    assert said.startswith("the file none.pem of --tls-certificate does not exist; ")
    assert not (machine.directory / "voltbridge-data" / "voltbridge.db").exists()
    assert "has expired on" in machine.refused(*start, *options(machine, days=-0.5))
    said = machine.refused(*start, "--tls-certificate", "server.pem")
    assert said == "each certificate needs its key, in the same order; give one more to --tls-key"
    said = machine.refused("up", "--ocpp-port", "off")
    assert said == "with --ocpp-port off stations need TLS; give --tls-certificate and --tls-key"


async def test_a_port_of_tls_that_is_taken(machine: Machine) -> None:
    with socket.socket() as taken:
        taken.bind(("0.0.0.0", 0))
        taken.listen()
        port = taken.getsockname()[1]
        said = machine.refused("up", "--ocpp-port", "0", "--http-port", "0", *options(machine), "--tls-port", str(port))
    assert said == f"port {port} on 0.0.0.0 is taken by another program; stop that or choose another --tls-port"
