"""Files over REST: uploaded as they are, listed, read in parts, deleted; refused with what to do about it."""

from __future__ import annotations

import hashlib
import io
from collections.abc import AsyncIterator
from typing import Any

import pytest
from tests.api.clients import Answer, Api

from voltbridge.app import Running

pytestmark = pytest.mark.anyio

DATA = bytes(range(256)) * 8192


async def put(api: Api, data: Any = DATA, query: str = "name=wallbox.bin", media_type: str | None = None) -> Answer:
    headers = {"Authorization": f"Bearer {api.key}", "Content-Type": media_type or "application/octet-stream"}
    return await api(
        "POST", f"/files?{query}", headers=headers, data=io.BytesIO(data) if isinstance(data, bytes) else data
    )


async def test_a_file_goes_in_and_comes_out(api: Api) -> None:
    added = await put(api)
    assert added.status == 201
    file = added.body
    assert (file["name"], file["purpose"], file["size_bytes"]) == ("wallbox.bin", "Firmware", len(DATA))
    assert file["sha256"] == hashlib.sha256(DATA).hexdigest()
    assert await api.get(f"/files/{file['id']}") == file
    assert (await api.get("/files?purpose=Firmware"))["items"][0] == file
    assert (await api.get("/files?purpose=Log"))["items"] == []
    content = await api("GET", f"/files/{file['id']}/content")
    assert (content.status, content.raw) == (200, DATA)
    assert content.headers["X-Content-Type-Options"] == "nosniff"
    assert 'filename="wallbox.bin"' in content.headers["Content-Disposition"]
    headers = {"Authorization": f"Bearer {api.key}", "Range": "bytes=100-199", "If-Range": content.headers["ETag"]}
    part = await api("GET", f"/files/{file['id']}/content", headers=headers)
    assert (part.status, part.raw) == (206, DATA[100:200])
    assert (await api("DELETE", f"/files/{file['id']}")).status == 204
    for path in ("", "/content"):
        assert (await api("GET", f"/files/{file['id']}{path}")).status == 404
    assert (await api("DELETE", f"/files/{file['id']}")).status == 404


async def test_in_chunks_and_larger_than_other_bodies(api: Api) -> None:
    async def chunks() -> AsyncIterator[bytes]:
        for _ in range(3):
            yield DATA

    added = await put(api, chunks())
    assert (added.status, added.body["size_bytes"]) == (201, 3 * len(DATA))


@pytest.mark.parametrize(
    ("query", "media_type", "status", "said"),
    [
        ("name=a%2Fb", None, 422, "$.name: must be a plain file name"),
        ("name=..", None, 422, "$.name"),
        ("", None, 400, "query.name"),
        ("name=x&purpose=Fun", None, 400, "query.purpose"),
        ("name=x&other=1", None, 400, "no such field"),
        ("name=x", "application/json", 415, "application/octet-stream"),
        ("name=x", "multipart/form-data; boundary=a", 415, "application/octet-stream"),
    ],
)
async def test_what_cannot_be_taken(api: Api, query: str, media_type: str | None, status: int, said: str) -> None:
    before = await api.get("/files")
    refused = await put(api, b"abc", query, media_type)
    assert refused.status == status, refused
    assert said in refused.body["detail"]
    assert await api.get("/files") == before


async def test_too_large(api: Api, running: Running) -> None:
    running.services.files.largest_bytes = 1000
    try:
        refused = await put(api)
    finally:
        running.services.files.largest_bytes = 1 << 30
    assert (refused.status, refused.body["detail"]) == (413, "No more than 1000 bytes are kept.")


async def test_no_room(api: Api, running: Running) -> None:
    disk = running.services.files._disk
    reserved, disk._reserve_bytes = disk._reserve_bytes, 1 << 62
    try:
        refused = await put(api)
    finally:
        disk._reserve_bytes = reserved
    assert (refused.status, refused.body["type"]) == (507, "urn:voltbridge:problem:storage-full")


async def test_a_key_is_needed(api: Api) -> None:
    assert (await api("POST", "/files?name=x", headers={}, data=b"abc")).status == 401
