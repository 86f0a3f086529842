"""Logs of stations as they are kept."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from voltbridge.domain.firmware import StatusNote
from voltbridge.domain.paging import PageRequest
from voltbridge.domain.station_logs import LogState, LogType, LogUpload
from voltbridge.storage import Storage

pytestmark = pytest.mark.anyio

NOW = datetime(2026, 5, 1, 12, tzinfo=UTC)


def a_log(id: int, station_id: str = "CS-1") -> LogUpload:
    return LogUpload(
        id=id,
        station_id=station_id,
        request_id=id * 10,
        log_type=LogType.SECURITY,
        state=LogState.PENDING,
        requested_at=NOW,
        deadline_at=NOW,
        oldest_at=NOW,
        filename="é",
        file_id=2**60,
        statuses=(StatusNote("Uploading", NOW),),
    )


async def test_logs(storage: Storage) -> None:
    logs = storage.station_logs
    for log in (a_log(1), a_log(2, "CS-2"), a_log(3)):
        await logs.put(log)
    assert await logs.get(1) == a_log(1)
    assert await logs.get(9) is None
    assert await logs.of_request("CS-1", 30) == a_log(3)
    assert await logs.of_request("CS-2", 30) is None
    assert await logs.current("CS-1") == a_log(3)
    await logs.put(replace(a_log(4), state=LogState.FAILED))
    assert await logs.current("CS-1") == a_log(3)
    ended = replace(a_log(1), state=LogState.DELIVERED, finished_at=NOW)
    await logs.put(ended)
    assert list(await logs.open()) == [a_log(2, "CS-2"), a_log(3)]
    assert list(await logs.open("CS-1")) == [a_log(3)]
    page = await logs.list("CS-1", PageRequest(2))
    assert page.items == (replace(a_log(4), state=LogState.FAILED), a_log(3))
    assert (await logs.list("CS-1", PageRequest(2, page.next))).items == (ended,)
