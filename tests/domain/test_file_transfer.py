"""Which protocol an address for a station has."""

from __future__ import annotations

import pytest

from voltbridge.domain.errors import InvalidValue
from voltbridge.domain.file_transfer import TransferProtocol, choose_protocol, read_protocols

HTTP, FTP, SFTP = TransferProtocol.HTTP, TransferProtocol.FTP, TransferProtocol.SFTP
ALL = (HTTP, FTP, SFTP)


@pytest.mark.parametrize(
    ("told", "spoken", "web", "chosen"),
    [
        (None, ALL, "http", HTTP),
        ("FTP,HTTP", ALL, "http", HTTP),
        ("ftp, https ,sftp", ALL, "https", HTTP),
        ("HTTP", ALL, "https", HTTP),
        ("FTP,HTTPS", ALL, "http", FTP),
        ("FTP,SFTP", ALL, "http", SFTP),
        ("FTP,SFTP", (HTTP, FTP), "http", FTP),
        (" , ", ALL, "http", HTTP),
    ],
)
def test_the_best_that_both_speak(
    told: str | None, spoken: tuple[TransferProtocol, ...], web: str, chosen: TransferProtocol
) -> None:
    assert choose_protocol(read_protocols(told), spoken, None, web) is chosen


@pytest.mark.parametrize("wanted", ALL)
def test_the_one_that_is_wanted(wanted: TransferProtocol) -> None:
    assert choose_protocol(None, ALL, wanted, "http") is wanted
    assert choose_protocol({"FTP", "HTTP", "SFTP"}, ALL, wanted, "http") is wanted


@pytest.mark.parametrize(
    ("told", "spoken", "wanted", "why"),
    [
        (None, (HTTP,), FTP, "start with --ftp-port"),
        ("FTP", (HTTP,), SFTP, "start with --sftp-port"),
        ("HTTP,FTP", ALL, SFTP, "none the station tells: FTP, HTTP"),
        ("HTTPS", ALL, HTTP, "HTTP is none the station tells: HTTPS"),
        ("FTP,FTPS", (HTTP,), None, "the station tells FTP, FTPS, and HTTP is spoken here"),
        ("HTTPS", (HTTP, FTP), None, "HTTP, FTP is spoken here"),
    ],
)
def test_what_cannot_be_says_what_to_do(
    told: str | None, spoken: tuple[TransferProtocol, ...], wanted: TransferProtocol | None, why: str
) -> None:
    with pytest.raises(InvalidValue, match="protocol") as refused:
        choose_protocol(read_protocols(told), spoken, wanted, "http")
    assert why in str(refused.value)
