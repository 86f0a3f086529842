"""What an upgrade request says: identity, version, credentials, and what is refused."""

from __future__ import annotations

import base64

import pytest
from multidict import CIMultiDict, CIMultiDictProxy

from voltbridge.csms.gateway.handshake import Handshake, HandshakeRefused, base_url, read
from voltbridge.domain.admission import Credentials
from voltbridge.protocol.versions import Version

SOUND = {
    "Upgrade": "websocket",
    "Connection": "Upgrade",
    "Sec-WebSocket-Key": "x3JJHMbDL1EzLkh9GBhXDw==",
    "Sec-WebSocket-Version": "13",
    "Sec-WebSocket-Protocol": "ocpp1.6",
}


def shake(
    target: str = "/ocpp/CS1", method: str = "GET", *, without: str = "", **changed: str | list[str]
) -> Handshake:
    headers: CIMultiDict[str] = CIMultiDict(SOUND)
    headers.pop(without, None)
    for name, value in changed.items():
        header = name.replace("_", "-")
        headers.popall(header, None)
        for one in [value] if isinstance(value, str) else value:
            headers.add(header, one)
    return read(target, method, CIMultiDictProxy(headers), "/ocpp")


def refused(target: str = "/ocpp/CS1", method: str = "GET", *, without: str = "", **changed: str | list[str]) -> int:
    with pytest.raises(HandshakeRefused) as caught:
        shake(target, method, without=without, **changed)
    return caught.value.status


def test_the_standards_example_is_answered_as_it_says() -> None:
    asked = shake()
    assert asked.identity == "CS1"
    assert asked.credentials is None
    assert asked.response_headers == {
        "Upgrade": "websocket",
        "Connection": "Upgrade",
        "Sec-WebSocket-Accept": "HSmrc0sMlYUkAGmm5OPpG2HaGWk=",
        "Sec-WebSocket-Protocol": "ocpp1.6",
    }


@pytest.mark.parametrize(
    ("offered", "chosen"),
    [
        ("ocpp1.6", Version.V16),
        ("ocpp2.0.1", Version.V201),
        ("ocpp2.1", Version.V21),
        ("ocpp1.6, ocpp2.0.1, ocpp2.1", Version.V16),
        ("ocpp2.1,ocpp2.0.1,ocpp1.6", Version.V21),
        ("ocpp2.0, ocpp2.0.1 , ocpp1.6", Version.V201),
        ("ocpp0.1,ocpp2.0.1", Version.V201),
        (["ocpp1.5", "ocpp2.1, ocpp1.6"], Version.V21),
    ],
)
def test_the_clients_order_of_preference_decides_the_version(offered: str | list[str], chosen: Version) -> None:
    asked = shake(Sec_WebSocket_Protocol=offered)
    assert asked.version is chosen
    assert asked.response_headers["Sec-WebSocket-Protocol"] == chosen.value


@pytest.mark.parametrize("target", ["/ocpp/ocpp2.1", "/ocpp/2.0.1", "/ocpp/CS1?version=ocpp2.1"])
def test_the_url_never_decides_the_version(target: str) -> None:
    assert shake(target).version is Version.V16


@pytest.mark.parametrize("offered", ["ocpp0.1", "ocpp1.5, ocpp2.0", "OCPP1.6", "", "ocpp1.6x"])
def test_without_a_common_subprotocol_there_is_no_upgrade(offered: str) -> None:
    assert refused(Sec_WebSocket_Protocol=offered) == 400


def test_without_any_subprotocol_there_is_no_upgrade() -> None:
    assert refused(without="Sec-WebSocket-Protocol") == 400


@pytest.mark.parametrize(
    ("segment", "identity"),
    [
        ("CS1", "CS1"),
        ("RDAM%20123", "RDAM 123"),
        ("RDAM%7C123", "RDAM|123"),
        ("RDAM|123", "RDAM|123"),
        ("DE*ABC*E01", "DE*ABC*E01"),
        ("%41%42", "AB"),
        ("a%2Bb+c", "a+b+c"),
        ("caf%C3%A9", "café"),
        ("x" * 48, "x" * 48),
        ("CS1?a=b", "CS1"),
        ("user@host", "user@host"),
    ],
)
def test_the_identity_is_the_last_segment_percent_decoded(segment: str, identity: str) -> None:
    assert shake(f"/ocpp/{segment}").identity == identity


@pytest.mark.parametrize(
    "target",
    [
        "/",
        "/ocpp",
        "/ocpp/",
        "/ocppx/CS1",
        "/other/CS1",
        "/ocpp//CS1",
        "/ocpp/1.6/CS1",
        "/ocpp/CS1/",
        "/ocpp/a%2Fb",
        "/ocpp/a%5Cb",
        "/ocpp/a:b",
        "/ocpp/a%3Ab",
        "/ocpp/a%00b",
        "/ocpp/a%0Ab",
        "/ocpp/a%7Fb",
        "/ocpp/%FF",
        "/ocpp/%C3",
        "/ocpp/%20CS1",
        "/ocpp/..",
        "/ocpp/%2e%2e",
        "/ocpp/a%25b",
        "/ocpp/%E2%80%AE",
        "/ocpp/" + "x" * 49,
        "/ocpp/\udcff",
    ],
)
def test_what_cannot_be_an_identity_is_not_found(target: str) -> None:
    assert refused(target) == 404


def basic(user_pass: bytes) -> str:
    return "Basic " + base64.b64encode(user_pass).decode()


def test_the_binary_password_of_the_1_6_example_is_read() -> None:
    asked = shake(Authorization="Basic QUwxMDAwOgABAgMEBQYH////////////////")
    assert asked.credentials == Credentials("AL1000", bytes(range(8)) + b"\xff" * 12)


@pytest.mark.parametrize(
    ("user_pass", "credentials"),
    [
        (b"CS1:secret", Credentials("CS1", b"secret")),
        (b"CS1:", Credentials("CS1", b"")),
        (b"CS1:a:b:", Credentials("CS1", b"a:b:")),
        ("CS1:pässword".encode(), Credentials("CS1", "pässword".encode())),
        (b"CS1:\x00\xff\x80", Credentials("CS1", b"\x00\xff\x80")),
        ("café:x".encode(), Credentials("café", b"x")),
    ],
)
def test_everything_after_the_first_colon_is_the_password(user_pass: bytes, credentials: Credentials) -> None:
    assert shake(Authorization=basic(user_pass)).credentials == credentials


def test_the_scheme_is_read_in_any_case_and_other_schemes_are_no_credentials() -> None:
    assert shake(Authorization=basic(b"CS1:x").replace("Basic", "bAsIC")).credentials == Credentials("CS1", b"x")
    assert shake(Authorization="Bearer abc").credentials is None
    assert shake(Authorization=["Bearer abc", basic(b"CS1:x")]).credentials == Credentials("CS1", b"x")


@pytest.mark.parametrize(
    "value",
    [
        "Basic",
        "Basic !!!",
        "Basic " + base64.b64encode(b"no colon").decode(),
        "Basic " + base64.b64encode(b"\xff\xfe:x").decode(),
        "Basic QUwxMDAwOg==x",
        "Basic ÿÿ",
        [basic(b"CS1:a"), basic(b"CS1:b")],
    ],
)
def test_malformed_credentials_are_unauthorized(value: str | list[str]) -> None:
    with pytest.raises(HandshakeRefused) as caught:
        shake(Authorization=value)
    assert caught.value.status == 401
    assert caught.value.headers["WWW-Authenticate"].startswith("Basic")


def test_a_password_shows_nowhere_in_what_is_read() -> None:
    assert "geheim" not in repr(shake(Authorization=basic(b"CS1:geheim")))


@pytest.mark.parametrize(
    ("change", "status"),
    [
        ({"Upgrade": "h2c"}, 426),
        ({"Connection": "keep-alive"}, 400),
        ({"Sec_WebSocket_Version": "8"}, 426),
        ({"Sec_WebSocket_Version": "x"}, 426),
        ({"Sec_WebSocket_Key": "AAAA"}, 400),
        ({"Sec_WebSocket_Key": "not base64"}, 400),
        ({"Sec_WebSocket_Key": "ÿ"}, 400),
        ({"Sec_WebSocket_Key": ""}, 400),
    ],
)
def test_what_is_no_upgrade_request_is_refused(change: dict[str, str], status: int) -> None:
    assert refused(**change) == status


@pytest.mark.parametrize("header", ["Upgrade", "Connection", "Sec-WebSocket-Key", "Sec-WebSocket-Version"])
def test_a_header_that_is_missing_is_refused(header: str) -> None:
    assert refused(without=header) in (400, 426)


def test_only_get_upgrades() -> None:
    assert refused(method="POST") == 426


def test_upgrade_tokens_are_found_in_any_case_and_place() -> None:
    assert shake(Upgrade="WebSocket", Connection="keep-alive, upgrade").identity == "CS1"


def test_deflate_is_negotiated_over_all_the_offers() -> None:
    asked = shake(Sec_WebSocket_Extensions=["x-webkit", "permessage-deflate; client_max_window_bits"])
    assert asked.deflate is not None
    assert asked.response_headers["Sec-WebSocket-Extensions"] == asked.deflate.header
    assert shake().deflate is None


@pytest.mark.parametrize(
    ("headers", "secure", "base"),
    [
        ({"Host": "csms.example.com:9000"}, False, "http://csms.example.com:9000"),
        ({"Host": "csms.example.com"}, True, "https://csms.example.com"),
        ({"Host": "[::1]:9000"}, False, "http://[::1]:9000"),
        ({"Host": "a.example", "X-Forwarded-Proto": "https"}, False, "https://a.example"),
        ({"Host": "a.example", "X-Forwarded-Proto": "wss, http"}, False, "https://a.example"),
        ({"Host": "a.example", "X-Forwarded-Proto": "gopher"}, False, "http://a.example"),
        ({"Host": "a.example/x?y"}, False, None),
        ({"Host": "user@a.example"}, False, None),
        ({"Host": ""}, False, None),
        ({}, False, None),
    ],
)
def test_where_the_client_reaches_the_server(headers: dict[str, str], secure: bool, base: str | None) -> None:
    assert base_url(CIMultiDictProxy(CIMultiDict(headers)), secure=secure) == base
