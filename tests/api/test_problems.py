"""What is wrong with a request is said in one way by every router: a kind, a sentence, and where it is."""

from __future__ import annotations

from typing import Any

import pytest
from tests.api.clients import Api

pytestmark = pytest.mark.anyio

INVALID, UNUSABLE, UNKNOWN = "invalid-request", "unusable-value", "not-found"

WRONG: list[tuple[str, str, Any, int, str, list[str]]] = [
    ("GET", "/stations?limt=3", None, 400, INVALID, ["query.limt"]),
    ("GET", "/stations?cursor=x", None, 422, UNUSABLE, ["query.cursor"]),
    ("GET", "/stations/nobody", None, 404, UNKNOWN, []),
    ("POST", "/stations", [1], 400, INVALID, ["$"]),
    ("POST", "/stations", {"station_id": "a", "nmae": "x"}, 400, INVALID, ["$.nmae"]),
    ("PATCH", "/stations/wrong", {"strictness": "soft"}, 400, INVALID, ["$.strictness"]),
    ("PUT", "/stations/wrong/password", {"password": "x"}, 400, INVALID, ["$.password"]),
    ("POST", "/inbox/nobody/adopt", None, 404, UNKNOWN, []),
    ("GET", "/transactions?station=1", None, 400, INVALID, ["query.station"]),
    ("GET", "/transactions/zzz", None, 400, INVALID, ["path.id"]),
    ("POST", "/tokens", {"id_token": ""}, 400, INVALID, ["$.id_token"]),
    ("GET", "/tokens/Central/none", None, 404, UNKNOWN, []),
    ("GET", "/events?after=x", None, 400, INVALID, ["query.after"]),
    ("GET", "/deviations?x=1", None, 400, INVALID, ["query.x"]),
    ("POST", "/stations/wrong/commands/nope", {}, 404, UNKNOWN, []),
    ("POST", "/stations/wrong/commands/reset", {"type": "OnIdle", "colour": 1}, 400, INVALID, ["$.colour"]),
    ("POST", "/stations/wrong/commands/unlock_connector", {}, 400, INVALID, ["$.evse_id"]),
    ("POST", "/operations", {"name": "reset"}, 422, UNUSABLE, ["$.filter"]),
    ("POST", "/operations", {"name": "reset", "filter": {}, "parameters": {"x": 1}}, 400, INVALID, ["$.parameters.x"]),
    ("POST", "/rollouts", {"name": "reset", "filter": {}, "parameters": {"x": 1}}, 400, INVALID, ["$.parameters.x"]),
    ("POST", "/rollouts", {"name": "reset"}, 422, UNUSABLE, ["$.filter"]),
    ("POST", "/webhooks", {"url": "ftp://x"}, 400, INVALID, ["$.url"]),
    ("POST", "/webhooks", {"url": "http://127.0.0.1/x", "types": ["no.no"]}, 422, UNUSABLE, ["$.types[0]"]),
    ("PUT", "/sites/depot", {"policy": "fair"}, 400, INVALID, ["$.fuses"]),
    ("POST", "/reservations", {"station_id": "wrong"}, 400, INVALID, ["$.id_token", "$.expires_at"]),
    ("POST", "/files", None, 400, INVALID, ["query.name"]),
    ("POST", "/firmware", {"file_id": "x", "version": "1"}, 400, INVALID, ["$.file_id"]),
    ("GET", "/export/transactions?since=yesterday", None, 400, INVALID, ["query.since"]),
    ("GET", "/tariffs/x", None, 404, UNKNOWN, []),
    ("POST", "/anonymisations", {"id_token": "A", "x": 1}, 400, INVALID, ["$.x"]),
    ("GET", "/alerts?state=x", None, 400, INVALID, ["query.state[0]"]),
    ("PUT", "/configurations/x", {}, 400, INVALID, ["$.variables"]),
    ("DELETE", "/stations", None, 405, "method-not-allowed", []),
    ("GET", "/nope", None, 404, UNKNOWN, []),
]


@pytest.mark.parametrize(("method", "path", "body", "status", "kind", "where"), WRONG)
async def test_a_wrong_request_is_told_what_is_wrong_and_where(
    api: Api, method: str, path: str, body: Any, status: int, kind: str, where: list[str]
) -> None:
    await api("POST", "/stations", {"station_id": "wrong"})
    answer = await api(method, path, body)
    assert answer.status == status, answer
    assert answer.headers["Content-Type"] == "application/problem+json"
    assert set(answer.body) == {"type", "title", "status", "detail"} | ({"errors"} if where else set())
    assert answer.body["type"] == f"urn:voltbridge:problem:{kind}"
    assert answer.body["status"] == status
    errors = answer.body.get("errors", [])
    assert [each["path"] for each in errors] == where
    assert all(each["message"] for each in errors)
    if len(errors) == 1:
        assert answer.body["detail"] == f"{errors[0]['path']}: {errors[0]['message']}"
