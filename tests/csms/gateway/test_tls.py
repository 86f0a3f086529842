"""What certificates are taken and refused, and by which versions and suites a station may speak."""

from __future__ import annotations

import os
import re
import socket
import ssl
import threading
from datetime import UTC, datetime
from pathlib import Path

import pytest
from tests.support.certificates import signer
from tests.support.pki import Authority, Issued

from voltbridge.csms.gateway.tls import CIPHERS, CertificateFiles, UnusableCertificate, server_context

CA = Authority()
EC = CA.issue()
RSA = CA.issue(kind="RSA")
NOW = datetime.now(UTC)


def files(issued: Issued, folder: Path, name: str = "server") -> CertificateFiles:
    return CertificateFiles(*issued.write(folder, name))


def refusal(*pairs: CertificateFiles) -> str:
    with pytest.raises(UnusableCertificate) as refused:
        server_context(pairs, NOW)
    return str(refused.value)


def shake(server: ssl.SSLContext, client: ssl.SSLContext) -> tuple[str | None, str, str | None]:
    """Version, suite and compression that both contexts agree on; raises what the client is told."""
    here, there = socket.socketpair()

    def serve() -> None:
        there.settimeout(20)
        try:
            server.wrap_socket(there, server_side=True).close()
        except OSError:
            there.close()

    serving = threading.Thread(target=serve)
    serving.start()
    here.settimeout(20)
    try:
        with client.wrap_socket(here, server_hostname="localhost") as said:
            cipher = said.cipher()
            assert cipher is not None
            return said.version(), cipher[0], said.compression()
    finally:
        here.close()
        serving.join()


def client(
    *, versions: tuple[ssl.TLSVersion, ssl.TLSVersion] | None = None, ciphers: str | None = None
) -> ssl.SSLContext:
    context = CA.trusted()
    if versions is not None:
        context.minimum_version, context.maximum_version = versions
    if ciphers is not None:
        context.maximum_version = ssl.TLSVersion.TLSv1_2
        context.set_ciphers(ciphers)
    return context


@pytest.fixture(scope="module")
def both(tmp_path_factory: pytest.TempPathFactory) -> ssl.SSLContext:
    """With a certificate for each kind of station."""
    folder = tmp_path_factory.mktemp("both")
    context, certificates = server_context([files(EC, folder, "ec"), files(RSA, folder, "rsa")], NOW)
    assert [(each.kind, each.names, each.doubts) for each in certificates] == [
        ("EC", ("localhost", "127.0.0.1"), ()),
        ("RSA", ("localhost", "127.0.0.1"), ()),
    ]
    return context


@pytest.mark.parametrize("cipher", CIPHERS)
def test_each_suite_is_spoken(both: ssl.SSLContext, cipher: str) -> None:
    assert shake(both, client(ciphers=cipher)) == ("TLSv1.2", cipher, None)


def test_newer_is_preferred(both: ssl.SSLContext) -> None:
    assert shake(both, client())[0] == "TLSv1.3"


@pytest.mark.parametrize(
    "cipher",
    ["AES128-SHA", "AES128-SHA256", "ECDHE-ECDSA-AES128-SHA", "ECDHE-RSA-AES256-SHA384", "DHE-RSA-AES128-GCM-SHA256"],
)
def test_other_suites_are_not(both: ssl.SSLContext, cipher: str) -> None:
    with pytest.raises(ssl.SSLError, match=r"HANDSHAKE_FAILURE|EOF"):
        shake(both, client(ciphers=f"{cipher}:@SECLEVEL=0"))


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1, ssl.TLSVersion.TLSv1_1])
@pytest.mark.filterwarnings("ignore:ssl.TLSVersion")
def test_older_versions_are_not(both: ssl.SSLContext, version: ssl.TLSVersion) -> None:
    old = client(ciphers="ALL:@SECLEVEL=0")
    old.minimum_version = old.maximum_version = version
    with pytest.raises(ssl.SSLError, match=r"PROTOCOL_VERSION|EOF"):
        shake(both, old)


def test_nobody_may_begin_anew_within_a_connection(both: ssl.SSLContext) -> None:
    assert both.options & ssl.OP_NO_RENEGOTIATION
    assert both.options & ssl.OP_NO_COMPRESSION


def test_a_chain_is_sent_with_the_certificate(tmp_path: Path) -> None:
    below = Authority("Example Issuing", above=CA)
    context, (certificate,) = server_context([files(below.issue(), tmp_path)], NOW)
    assert certificate.doubts == ()
    assert shake(context, CA.trusted())[0] == "TLSv1.3"  # it knows the root alone


def test_a_key_in_the_same_file_will_do(tmp_path: Path) -> None:
    path = tmp_path / "all.pem"
    path.touch(mode=0o600)
    path.write_bytes(RSA.key_pem() + RSA.pem)
    _, (certificate,) = server_context([CertificateFiles(path, path)], NOW)
    assert (certificate.sha256, certificate.doubts) == (RSA.sha256, ())


def test_files_that_are_not_there(tmp_path: Path) -> None:
    pair = files(EC, tmp_path)
    pair.key.unlink()
    assert refusal(pair) == (
        f"the file {pair.key} of --tls-key does not exist; give the path of a PEM file, or start without TLS"
    )
    pair.certificate.unlink()
    assert "of --tls-certificate does not exist" in refusal(pair)
    pair.certificate.mkdir()
    assert "cannot be read (Is a directory)" in refusal(pair)


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_files_that_may_not_be_read(tmp_path: Path) -> None:
    pair = files(EC, tmp_path)
    pair.key.chmod(0)
    assert "cannot be read (Permission denied); let this user read it" in refusal(pair)


def test_files_that_are_something_else(tmp_path: Path) -> None:
    pair = files(EC, tmp_path)
    pair.key.write_text("no key")
    assert refusal(pair).startswith(f"{pair.key} has no private key in PEM format; ")
    pair.certificate.write_bytes(b"\x30\x82")
    assert refusal(pair).startswith(f"{pair.certificate} has no certificate in PEM format; ")
    lines = EC.pem.splitlines()
    pair.certificate.write_bytes(b"\n".join([lines[0], lines[1][::-1], *lines[2:]]))
    assert "certificate" in refusal(pair)


def test_a_key_of_another_certificate(tmp_path: Path) -> None:
    pair = CertificateFiles(files(EC, tmp_path, "a").certificate, files(CA.issue(), tmp_path, "b").key)
    assert refusal(pair).startswith(f"the key in {pair.key} is not that of the first certificate in {pair.certificate}")
    pair = CertificateFiles(pair.certificate, files(RSA, tmp_path, "c").key)
    assert "is not that of the first certificate" in refusal(pair)


def test_a_key_with_a_passphrase(tmp_path: Path) -> None:
    pair = files(EC, tmp_path)
    pair.key.write_bytes(EC.key_pem(b"secret"))
    assert refusal(pair).startswith(f"the key in {pair.key} is encrypted; write it without a passphrase, as openssl ")


def test_certificates_that_are_not_valid_now(tmp_path: Path) -> None:
    pair = files(CA.issue(days=-0.5), tmp_path)
    assert "has expired on " in refusal(pair)
    pair = files(CA.issue(begins_in_days=1), tmp_path)
    assert "is not valid before " in refusal(pair)


def test_a_key_of_a_kind_that_stations_do_not_know(tmp_path: Path) -> None:
    made = signer("ed25519")
    pair = files(EC, tmp_path)
    pair.certificate.write_text(made.pem)
    assert refusal(pair).endswith("is of a kind that stations do not know; make an EC or RSA key")


def test_keys_that_are_too_short(tmp_path: Path) -> None:
    pair = files(CA.issue(kind="RSA", bits=1024), tmp_path)
    assert "has 1024 bits; make one with 2048 or more" in refusal(pair)


def test_two_of_one_kind(tmp_path: Path) -> None:
    said = refusal(files(EC, tmp_path, "a"), files(CA.issue(), tmp_path, "b"))
    assert said.endswith(
        "has an EC key, as the one before has; give one with an EC key and one with an RSA key, or one alone"
    )


def test_what_is_taken_with_doubts(tmp_path: Path) -> None:
    pair = files(CA.issue("none", common_name=None, for_clients=True), tmp_path)
    pair.key.chmod(0o644)
    pair.certificate.write_bytes(pair.certificate.read_bytes() + EC.pem)
    _, (certificate,) = server_context([pair], NOW)
    doubts = "\n".join(certificate.doubts)
    assert f"others can read or change the key in {pair.key}; chmod 600 it" in doubts
    for each in ("no alternative name", "no common name", "not meant for servers", "chain .* is not in order"):
        assert re.search(each, doubts), each
    pair.key.chmod(0o640)  # a group that reads it is how servers share a key
    assert len(server_context([pair], NOW)[1][0].doubts) == 4


def test_an_expired_certificate_further_up_is_a_doubt(tmp_path: Path) -> None:
    pair = files(EC, tmp_path)
    pair.certificate.write_bytes(EC.pem + CA.issue(days=-0.5).pem)
    _, (certificate,) = server_context([pair], NOW)
    assert any("is not valid now" in doubt for doubt in certificate.doubts)


def test_keys_as_openssl_writes_them(tmp_path: Path) -> None:
    pair = files(EC, tmp_path)
    parameters = b"-----BEGIN EC PARAMETERS-----\nBggqhkjOPQMBBw==\n-----END EC PARAMETERS-----\n"
    pair.key.write_bytes(parameters + EC.key_pem())
    server_context([pair], NOW)
