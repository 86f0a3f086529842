"""The cases about new roots, against stations whose trust is wrong in one thing; and the authorities they go by."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from tests.conformance.station.test_cases import played

from voltbridge.clock import SystemClock
from voltbridge.conformance.configuration import Configuration
from voltbridge.conformance.manual_station import ManualStation
from voltbridge.conformance.own_station import CONFIGURATION, own_station
from voltbridge.conformance.run import Verdict
from voltbridge.conformance.station.authorities import InvalidAuthorities, Root, authorities_in
from voltbridge.conformance.station.cases import STATION_CASES
from voltbridge.conformance.station.door import open_door
from voltbridge.conformance.station.run import run_case
from voltbridge.protocol.versions import Version
from voltbridge.station import network
from voltbridge.station.assembly import Station
from voltbridge.station.blocks.m_certificates.service import Certificates, CertificateStatus
from voltbridge.station.configuration import StationConfiguration
from voltbridge.station.connectivity_terms import ConnectivitySettings
from voltbridge.station.credentials import Credentials
from voltbridge.station.endpoints import Tls
from voltbridge.station.root_certificates import CertificateUse, RootCertificate, RootCertificates, root_of
from voltbridge.station.virtual_clock import VirtualClock, run

BACK, NEW = "TC_B_47_CS", "TC_B_50_CS"
Planted = Callable[[pytest.MonkeyPatch], None]


def trusts_both(monkeypatch: pytest.MonkeyPatch) -> None:
    def judging(roots: RootCertificates, tls: Tls) -> Tls:
        return replace(tls, ca_pem="".join(each.pem for each in roots.of(CertificateUse.CSMS)))

    monkeypatch.setattr(RootCertificates, "judging", judging)


def trusts_everybody(monkeypatch: pytest.MonkeyPatch) -> None:
    def anybody(tls: Tls) -> ssl.SSLContext:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        return context

    monkeypatch.setattr(network, "tls_context", anybody)


def keeps_no_fallback(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(RootCertificates, "falling_back", lambda roots, tls: None)


def lists_no_fallback(monkeypatch: pytest.MonkeyPatch) -> None:
    def installed(self: Certificates, *uses: CertificateUse) -> list[Any]:
        return [(each.use, each.names[0]) for each in self._roots.of(*uses) if not each.fallback]

    monkeypatch.setattr(Certificates, "installed", installed)


def tries_twice(monkeypatch: pytest.MonkeyPatch) -> None:
    known = Credentials.connectivity

    def connectivity(self: Credentials) -> ConnectivitySettings:
        return replace(known(self), profile_attempts=2)

    monkeypatch.setattr(Credentials, "connectivity", connectivity)


def installs_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    async def install(self: Certificates, use: CertificateUse, pem: str) -> tuple[CertificateStatus, str, str]:
        return CertificateStatus.ACCEPTED, "", ""

    monkeypatch.setattr(Certificates, "install", install)


def uses_nothing_new(monkeypatch: pytest.MonkeyPatch) -> None:
    put = RootCertificates.put

    def kept(roots: RootCertificates, root: RootCertificate) -> None:
        others = [each for each in roots.of(CertificateUse.CSMS) if each.fallback]
        put(roots, root)
        for each in others:
            put(roots, each)
            roots.fall_back_on([root])

    monkeypatch.setattr(RootCertificates, "put", kept)


def never_lets_the_old_one_go(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(RootCertificates, "proved", lambda roots: None)


def deletes_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(RootCertificates, "remove", lambda roots, root: None)


def keeps_what_it_rejects(monkeypatch: pytest.MonkeyPatch) -> None:
    async def install(self: Certificates, use: CertificateUse, pem: str) -> tuple[CertificateStatus, str, str]:
        certificate = x509.load_pem_x509_certificate(pem.encode())
        self._roots.put(root_of(certificate, certificate, use))
        return CertificateStatus.REJECTED, "", ""

    monkeypatch.setattr(Certificates, "install", install)


@pytest.mark.parametrize(
    ("case", "planted", "step"),
    [
        ("TC_M_07_CS", keeps_what_it_rejects, "4"),
        ("TC_M_09_CS", keeps_what_it_rejects, "4"),
        ("TC_M_20_CS", deletes_nothing, "4"),
        ("TC_M_30_CS", never_lets_the_old_one_go, "7"),
        ("TC_M_31_CS", keeps_no_fallback, "Booted 3"),
        (BACK, trusts_both, "8"),
        (BACK, trusts_everybody, "8"),
        (BACK, keeps_no_fallback, "Booted 3"),
        (BACK, lists_no_fallback, "12"),
        (BACK, tries_twice, "8"),
        (BACK, installs_nothing, "8"),
        (NEW, installs_nothing, "7"),
        (NEW, uses_nothing_new, "7"),
    ],
)
def test_a_station_whose_trust_is_wrong(
    case: str, planted: Planted, step: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    planted(monkeypatch)
    outcome, _ = played(STATION_CASES[case])
    assert outcome.verdict is Verdict.FAILED
    assert outcome.failure is not None, outcome.reason
    assert outcome.failure.step == step


def test_roots_that_pile_up_do_for_a_new_one_but_not_for_the_way_back() -> None:
    """TC_B_47 is about AdditionalRootCertificateCheck alone."""
    variables = {"SecurityCtrlr.AdditionalRootCertificateCheck": "false"}
    assert played(STATION_CASES[NEW], variables=variables)[0].verdict is Verdict.PASSED
    outcome, _ = played(STATION_CASES[BACK], variables=variables)
    assert outcome.verdict is Verdict.NOT_RUN
    assert "AdditionalRootCertificateCheck" in outcome.reason


def test_without_endpoints_with_tls_they_do_not_run() -> None:
    async def main(clock: VirtualClock) -> None:
        async with open_door() as door, own_station(clock) as station:
            for case in (BACK, NEW):
                outcome = await run_case(STATION_CASES[case], CONFIGURATION, station, door, clock)
                assert outcome.verdict is Verdict.NOT_RUN
                assert "--listen-tls" in outcome.reason

    run(main)


# Authorities in a directory


def test_authorities_are_made_once_and_found_again(tmp_path: Path) -> None:
    made = authorities_in(tmp_path / "kit")
    again = authorities_in(tmp_path / "kit")
    kept = (Root.OLD, Root.NEW)
    assert [again.pem(root) for root in kept] == [made.pem(root) for root in kept]
    for root in kept:
        assert (tmp_path / "kit" / f"{root}.key").stat().st_mode & 0o077 == 0


def test_directories_of_no_use(tmp_path: Path) -> None:
    first, second = authorities_in(tmp_path / "first"), authorities_in(tmp_path / "second")
    (first.directory / "new-root.key").unlink()
    with pytest.raises(InvalidAuthorities, match=r"lacks new-root\.key"):
        authorities_in(first.directory)
    (first.directory / "new-root.key").write_text("no key")
    with pytest.raises(InvalidAuthorities, match="cannot be read"):
        authorities_in(first.directory)
    (first.directory / "new-root.key").write_bytes((second.directory / "new-root.key").read_bytes())
    with pytest.raises(InvalidAuthorities, match="is not the key"):
        authorities_in(first.directory)
    (first.directory / "new-root.pem").write_bytes((second.directory / "new-root.pem").read_bytes())
    with pytest.raises(InvalidAuthorities, match="not signed by"):
        authorities_in(first.directory)
    (tmp_path / "file").write_text("")
    with pytest.raises(InvalidAuthorities):
        authorities_in(tmp_path / "file")


@pytest.mark.anyio
@pytest.mark.timeout(120)
async def test_a_person_learns_which_root_to_install_and_the_case_runs_in_real_time(tmp_path: Path) -> None:
    """As a stranger runs it: by hand, at an address of his, with authorities of his."""
    authorities = authorities_in(tmp_path / "kit")
    configuration = Configuration(quiet_s=0.5, evses=1)
    said: list[str] = []
    stations: list[Station] = []
    loop = asyncio.get_running_loop()

    async def set_up(url: str) -> None:
        station = StationConfiguration(
            configuration.station_id,
            url,
            (Version.V201,),
            password=configuration.password,
            ca_file=str(authorities.old_file),
            variables={"OCPPCommCtrlr.RetryBackOffWaitMinimum": "1", "OCPPCommCtrlr.RetryBackOffRandomRange": "0"},
        )
        stations.append(Station(station))
        stations[-1].start()

    def ask(question: str) -> str:
        (url,) = [line.split(": ")[1].rpartition("/")[0] for line in said if "its CSMS: wss://" in line]
        asyncio.run_coroutine_threadsafe(set_up(url), loop).result()
        return ""

    try:
        async with open_door(authorities=authorities) as door:
            person = ManualStation(said.append, ask, authorities.old_file)
            outcome = await run_case(STATION_CASES[NEW], configuration, person, door, SystemClock())
    finally:
        for station in stations:
            await station.stop()
    assert outcome.verdict is Verdict.PASSED, outcome.reason
    assert any(str(authorities.old_file) in line for line in said)
