"""The CSMS that the peers connect to: one process for each database."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from itertools import count

import pytest
from tests.support.databases import BACKENDS, database
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


@pytest.fixture(scope="package", params=BACKENDS)
async def csms(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Csms]:
    """``voltbridge up`` with its defaults, but for the database; it has to end well, too."""
    directory = tmp_path_factory.mktemp(request.param)
    with database(request.param, directory) as url:
        async with running(directory / "data", database_url=url) as up, Rest(up.http_port, up.admin_key) as rest:
            yield Csms(up, rest)
            await up.stop()


@pytest.fixture
def identity() -> str:
    """One that no other test has."""
    return f"PEER-{next(_numbers)}"
