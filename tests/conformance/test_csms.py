"""Every case against our own CSMS: the same that ``voltbridge conformance run`` starts."""

from __future__ import annotations

import zlib
from collections.abc import AsyncIterator

import msgspec
import pytest
from tests.conformance.peers import HurriedClock

from voltbridge.conformance.configuration import Configuration, Token, Tokens
from voltbridge.conformance.csms.cases import CSMS_CASES
from voltbridge.conformance.own_csms import own_csms
from voltbridge.conformance.rest_driver import RestCsms
from voltbridge.conformance.run import Verdict, run_case

pytestmark = pytest.mark.anyio


@pytest.fixture(scope="module")
async def csms() -> AsyncIterator[RestCsms]:
    async with own_csms(timeout_s=30) as csms:
        yield csms


def configured_for(case_id: str) -> Configuration:
    """A station and tokens of the case's own, so that no case meets what another left."""
    # In 1.6 a token has twenty characters at most.
    prefix = f"{zlib.crc32(case_id.encode()):08x}" if case_id.startswith("TC16") else case_id[:-5]
    tokens = {
        field.name: Token(id_token=f"{prefix}-{field.name}", type=field.default.type)
        for field in msgspec.structs.fields(Tokens)
    }
    return Configuration(station_id=case_id, tokens=Tokens(**tokens), message_timeout_s=60, unanswered_s=0.2)


@pytest.mark.parametrize("case_id", CSMS_CASES)
async def test_our_csms_passes(csms: RestCsms, case_id: str) -> None:
    configuration = configured_for(case_id)
    await csms.prepare(configuration)
    outcome = await run_case(CSMS_CASES[case_id], configuration, csms, HurriedClock())
    frames = "\n".join(map(str, outcome.transcript or []))
    assert outcome.verdict is Verdict.PASSED, f"{outcome.reason}\n{frames}"
