"""Tokens over the API."""

from __future__ import annotations

from typing import Any

import pytest
from tests.api.clients import Api

pytestmark = pytest.mark.anyio


async def test_a_token_is_added_read_replaced_changed_and_deleted(api: Api) -> None:
    made = await api("POST", "/tokens", {"id_token": "Ab/C 1", "expires_at": "2030-01-01T01:00:00+01:00"})
    assert (made.status, made.headers["Location"]) == (201, "/api/v1/tokens/ISO14443/Ab%2FC%201")
    assert made.body["type"] == "ISO14443"
    assert made.body["status"] == "Accepted"
    assert made.body["expires_at"] == "2030-01-01T00:00:00.000Z"
    path = "/tokens/ISO14443/Ab%2FC%201"
    assert await api.get(path) == made.body
    assert await api.get(path.lower().replace("iso", "ISO")) == made.body, "tokens compare without regard to case"
    changed = await api("PATCH", path, {"note": "from the fleet", "allow_concurrent": True})
    assert changed.status == 200
    assert {**changed.body, "updated_at": made.body["updated_at"]} == {
        **made.body,
        "note": "from the fleet",
        "allow_concurrent": True,
    }
    replaced = await api("PUT", path, {"status": "Blocked"})
    assert (replaced.status, replaced.body["status"], replaced.body["note"]) == (200, "Blocked", None)
    assert replaced.body["created_at"] == made.body["created_at"]
    assert (await api("DELETE", path)).status == 204
    assert (await api("GET", path)).status == 404
    assert (await api("PATCH", path, {})).status == 404


async def test_put_adds_what_is_not_there(api: Api) -> None:
    made = await api("PUT", "/tokens/Central/put-1", {"group_id_token": "FLEET", "station_ids": ["A", "B"]})
    assert (made.status, made.headers["Location"]) == (201, "/api/v1/tokens/Central/put-1")
    assert (made.body["group_id_token"], made.body["station_ids"]) == ("FLEET", ["A", "B"])


async def test_the_same_text_may_have_several_types_but_one_type_once(api: Api) -> None:
    assert (await api("POST", "/tokens", {"id_token": "same"})).status == 201
    assert (await api("POST", "/tokens", {"id_token": "same", "type": "eMAID"})).status == 201
    again = await api("POST", "/tokens", {"id_token": "SAME"})
    assert (again.status, again.body["type"]) == (409, "urn:voltbridge:problem:already-exists")


@pytest.mark.parametrize(
    ("body", "path", "message"),
    [
        ({}, "$.id_token", "Field required"),
        ({"id_token": ""}, "$.id_token", "at least 1 character"),
        ({"id_token": " a"}, "$.id_token", "must be printable ASCII without a space at either end"),
        ({"id_token": "a\n"}, "$.id_token", "must be printable ASCII"),
        ({"id_token": "a", "type": "RFID"}, "$.type", "must be one of Central, DirectPayment, eMAID"),
        ({"id_token": "a", "type": "NoAuthorization"}, "$.type", "must be one of Central"),
        ({"id_token": "a", "status": "ConcurrentTx"}, "$.status", "cannot be ConcurrentTx"),
        ({"id_token": "a", "status": "accepted"}, "$.status", "Input should be 'Accepted'"),
        ({"id_token": "a", "expires_at": "tomorrow"}, "$.expires_at", "must be a moment with an offset"),
        ({"id_token": "a", "expires_at": "2030-01-01T00:00:00"}, "$.expires_at", "must be a moment with an offset"),
        ({"id_token": "a", "allow_concurrent": None}, "$.allow_concurrent", "valid boolean"),
        ({"id_token": "a", "station_ids": ["x", 1]}, "$.station_ids[1]", "valid string"),
        ({"idToken": "a", "id_token": "a"}, "$.idToken", "no such field"),
        ([], "$", "must be an object"),
    ],
)
async def test_what_is_wrong_is_named_with_its_path(api: Api, body: Any, path: str, message: str) -> None:
    refused = await api("POST", "/tokens", body)
    assert refused.status == 400
    assert [error["path"] for error in refused.body["errors"]] == [path]
    assert message in refused.body["errors"][0]["message"]
    assert refused.body["detail"].startswith(f"{path}: ")


async def test_null_is_told_from_left_out(api: Api) -> None:
    await api("PUT", "/tokens/ISO14443/nulls", {"note": "x", "expires_at": "2030-01-01T00:00:00Z"})
    assert (await api("PATCH", "/tokens/ISO14443/nulls", {"note": None})).body["note"] is None
    assert (await api.get("/tokens/ISO14443/nulls"))["expires_at"] == "2030-01-01T00:00:00.000Z"
    refused = await api("PATCH", "/tokens/ISO14443/nulls", {"status": None})
    assert (refused.status, refused.body["errors"][0]["path"]) == (400, "$.status")


async def test_lists_by_filters_and_pages(api: Api) -> None:
    for number in range(3):
        await api("PUT", f"/tokens/KeyCode/list-{number}", {"group_id_token": "Crew", "status": "Blocked"})
    wanted = {"type": "KeyCode", "group_id_token": "CREW", "status": "Blocked"}
    first = await api.get("/tokens", params={**wanted, "limit": "2"})
    rest = await api.get("/tokens", params={**wanted, "limit": "2", "cursor": first["next"]})
    found = [each["id_token"] for each in first["items"] + rest["items"]]
    assert sorted(found) == ["list-0", "list-1", "list-2"]
    assert rest["next"] is None
    assert (await api.get("/tokens", params={"type": "VIN"}))["items"] == []


async def test_a_token_some_stations_cannot_present_says_so(api: Api) -> None:
    assert (await api("POST", "/tokens", {"id_token": "short"})).body["warnings"] == []
    added = await api("POST", "/tokens", {"id_token": "w" * 21, "group_id_token": "g" * 21})
    assert [warning.partition(":")[0] for warning in added.body["warnings"]] == [
        "longer than 20 characters",
        "the group is longer than 20 characters",
    ]
