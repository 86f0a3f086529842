"""What is known of files and addresses, as it is kept."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from voltbridge.domain.files import FileFilter, FileGrant, FilePurpose, StoredFile, TransferWay
from voltbridge.domain.paging import PageRequest
from voltbridge.storage import Storage

pytestmark = pytest.mark.anyio

NOW = datetime(2026, 5, 1, 12, tzinfo=UTC)


def a_file(id: int, station_id: str | None = None, purpose: FilePurpose = FilePurpose.LOG) -> StoredFile:
    return StoredFile(
        id=id,
        name="é.log",
        purpose=purpose,
        media_type="text/plain",
        size_bytes=2**40,
        sha256="ab" * 32,
        md5="cd" * 16,
        created_at=NOW + timedelta(minutes=id),
        station_id=station_id,
    )


def a_grant(token_hash: str, reference: str = "log:1", **more: datetime) -> FileGrant:
    return FileGrant(
        token_hash=token_hash,
        way=TransferWay.UPLOAD,
        station_id="CS-1",
        purpose=FilePurpose.LOG,
        name="x",
        reference=reference,
        created_at=NOW,
        expires_at=more.get("expires_at", NOW),
    )


async def test_files_come_back_newest_first(storage: Storage) -> None:
    one, two, three = a_file(1), a_file(2, "CS-1"), a_file(3, "CS-1", FilePurpose.FIRMWARE)
    for file in (one, two, three):
        await storage.files.add(file)
    assert await storage.files.get(2) == two
    assert await storage.files.get(9) is None
    page = await storage.files.list(FileFilter(), PageRequest(2))
    assert page.items == (three, two)
    assert (await storage.files.list(FileFilter(), PageRequest(2, page.next))).items == (one,)
    assert (await storage.files.list(FileFilter(station_id="CS-1", purpose=FilePurpose.LOG), PageRequest())).items == (
        two,
    )
    assert (await storage.files.list(FileFilter(station_id="a\0"), PageRequest())).items == ()
    assert await storage.files.known([1, 3, 9]) == {1, 3}
    assert list(await storage.files.delivered_before(NOW + timedelta(minutes=3), 10)) == [2]
    assert await storage.files.delete(2)
    assert not await storage.files.delete(2)


async def test_grants_are_put_closed_and_pruned(storage: Storage) -> None:
    grants = storage.file_grants
    await grants.put(a_grant("a"))
    changed = replace(a_grant("a"), file_id=7, completed_at=NOW)
    await grants.put(changed)
    assert await grants.get("a") == changed
    await grants.put(a_grant("b", "log:2"))
    await grants.close("log:1", NOW)
    assert await grants.get("a") == replace(changed, closed_at=NOW)
    assert await grants.get("b") == a_grant("b", "log:2")
    assert await grants.known(["a", "c"]) == {"a"}
    await grants.put(a_grant("c", expires_at=NOW + timedelta(days=1)))
    assert await grants.prune(NOW + timedelta(seconds=1)) == 2
    assert await grants.get("a") is None and await grants.get("c") is not None


async def test_a_grant_that_is_closed_while_its_file_leaves_stays_closed(storage: Storage) -> None:
    grants, begun = storage.file_grants, a_grant("a")
    await grants.put(begun)
    await grants.close(begun.reference, NOW)
    await grants.put(replace(begun, completed_at=NOW))
    assert await grants.get("a") == replace(begun, completed_at=NOW, closed_at=NOW)


async def test_a_delivered_file_and_its_grant_are_kept_in_one_step(storage: Storage) -> None:
    await storage.file_grants.put(a_grant("a"))
    await storage.files.add(a_file(1, "CS-1"), replace(a_grant("a"), file_id=1, completed_at=NOW))
    found = await storage.file_grants.get("a")
    assert found is not None and (found.file_id, found.completed_at) == (1, NOW)
    assert await storage.file_grants.delivered("log:1") == 1
    assert await storage.file_grants.delivered("log:9") is None
