"""The CSMS that the peers connect to: one process for each database."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from itertools import count
from pathlib import Path

import pytest
from tests.support.databases import BACKENDS, database
from tests.support.pki import Authority
from tests.support.process import Up, running
from tests.support.rest import Rest

_numbers = count(1)


@dataclass(frozen=True)
class Csms:
    """A running CSMS and its API."""

    up: Up
    rest: Rest

    @property
    def port(self) -> int:
        return self.up.ocpp_port


@dataclass(frozen=True)
class TlsCsms(Csms):
    """One with TLS: whom its certificates are from, and where they are."""

    authority: Authority
    directory: Path

    @property
    def tls_port(self) -> int:
        assert self.up.tls_port is not None
        return self.up.tls_port


@pytest.fixture(scope="package", params=BACKENDS)
async def csms(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[TlsCsms]:
    """``voltbridge up`` with its defaults, but for the database and TLS; it has to end well, too."""
    directory = tmp_path_factory.mktemp(request.param)
    authority = Authority()
    pairs = [authority.issue(kind=kind).write(directory, kind) for kind in ("EC", "RSA")]
    certificates, keys = (",".join(map(str, paths)) for paths in zip(*pairs, strict=True))
    with database(request.param, directory) as url:
        async with (
            running(directory / "data", database_url=url, tls_certificate=certificates, tls_key=keys, tls_port=0) as up,
            Rest(up.http_port, up.admin_key) as rest,
        ):
            yield TlsCsms(up, rest, authority, directory)
            await up.stop()


@pytest.fixture
def identity() -> str:
    """One that no other test has."""
    return f"PEER-{next(_numbers)}"
