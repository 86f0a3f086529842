"""A customer's token taken out of everything kept, held against every text of the whole database."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import MetaData, Text, create_engine, insert, make_url, select
from tests.api.clients import Api, RefusedCall, Station
from tests.csms.fakes import World
from tests.support.databases import BACKENDS, database

from voltbridge.app import Running, start
from voltbridge.clock import SystemClock
from voltbridge.csms.anonymisation import AnonymisationService
from voltbridge.domain.anonymisation import AnonymisationState, Eraser
from voltbridge.domain.paging import Page, PageRequest
from voltbridge.settings import Settings
from voltbridge.storage import Storage
from voltbridge.storage.sql import anonymisations as sweep

pytestmark = pytest.mark.anyio

TOKEN = "Kd04A1/B2-C3"
"""With a character that JSON may write in two ways."""
NOON = "2026-05-01T12:00:00Z"


@pytest.fixture(params=BACKENDS)
def url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    with database(request.param, tmp_path) as made:
        yield made


@contextlib.asynccontextmanager
async def site(url: str, tmp_path: Path) -> AsyncIterator[tuple[Running, Api]]:
    settings = Settings(
        data=tmp_path, database_url=url, ocpp_host="127.0.0.1", ocpp_port=0, http_port=0, shutdown_timeout=5
    )
    running = await start(settings)
    api = Api(running.http_port, running.admin_key)
    try:
        yield running, api
    finally:
        await api.close()
        await running.stop()


def sync_url(url: str) -> str:
    parts = make_url(url)
    driver = "sqlite" if parts.get_backend_name() == "sqlite" else "postgresql+psycopg"
    return parts.set(drivername=driver).render_as_string(hide_password=False)


def found_in(url: str, *texts: str) -> list[tuple[str, str, str]]:
    """Where any of the texts stands, in every column of every table, read past the server; plain or escaped."""
    engine = create_engine(sync_url(url))
    known = MetaData()
    found = []
    with engine.connect() as connection:
        known.reflect(connection)
        for name, table in known.tables.items():
            for row in connection.execute(select(table)).mappings():
                for column, value in row.items():
                    said = str(value).replace("\\/", "/").replace("\\u0030", "0").casefold()
                    found += [(name, column, said) for text in texts if text.casefold() in said]
    engine.dispose()
    return found


async def finished(api: Api, one: Any) -> Any:
    async with asyncio.timeout(60):
        while (shown := await api.get(f"/anonymisations/{one['id']}"))["state"] != "Completed":
            pass
    return shown


async def a_customer(running: Running, api: Api) -> None:
    """Everything that a customer leaves behind."""
    for name in ("an-16", "an-201", "an-21"):
        await api("POST", "/stations", {"station_id": name, "strictness": "salvage"})
    await api("POST", "/tokens", {"id_token": TOKEN, "note": f"the card {TOKEN} of Kim", "type": "ISO14443"})
    await api("POST", "/tokens", {"id_token": "FRIEND", "group_id_token": TOKEN, "type": "ISO14443"})
    await api("PUT", "/stations/an-16/local-list", {"selection": {"id_tokens": [TOKEN]}, "automatic": False})
    async with Station(running.ocpp_port, "an-16") as station:
        await station.boot()
        await station.call("Authorize", {"idTag": TOKEN})
        begun = {"connectorId": 1, "idTag": TOKEN.lower(), "meterStart": 0, "timestamp": NOON}
        number = (await station.call("StartTransaction", begun))["transactionId"]
        busy = await api("POST", "/anonymisations", {"id_token": TOKEN})
        assert (busy.status, busy.body["type"].rsplit(":", 1)[-1]) == (409, "in-use")
        assert "transaction" in busy.body["detail"] and TOKEN not in str(busy.body)
        over = {"idTag": TOKEN, "meterStop": 5000, "timestamp": "2026-05-01T13:00:00Z", "transactionId": number}
        await station.call("StopTransaction", over)
        await station.call("DataTransfer", {"vendorId": "V", "data": f"user={TOKEN};x=1"})
        escaped = TOKEN.replace("/", "\\/").replace("0", "\\u0030")
        for broken in (f'[2,"b1","Authorize",{{"idTag":"{escaped}"', f'[2,"b2","Authorise",{{"idTag":"{escaped}"}}]'):
            answer = station._waiting[broken[4:6]] = asyncio.get_running_loop().create_future()
            await station.send(broken)
            with pytest.raises(RefusedCall):
                await asyncio.wait_for(answer, 30)
        with pytest.raises(RefusedCall):
            await station.call("Authorize", {"idTag": {"x": TOKEN}})
    for name, protocol in (("an-201", "ocpp2.0.1"), ("an-21", "ocpp2.1")):
        async with Station(running.ocpp_port, name, protocol) as station:
            await station.boot()
            id_token = {
                "idToken": TOKEN,
                "type": "ISO14443",
                "additionalInfo": [{"additionalIdToken": TOKEN, "type": "x"}],
            }
            for number, phase in enumerate(("Started", "Ended")):
                event = {
                    "eventType": phase,
                    "timestamp": f"2026-05-01T12:0{number}:00Z",
                    "triggerReason": "Authorized",
                    "seqNo": number,
                    "transactionInfo": {"transactionId": name},
                    "idToken": id_token,
                    "evse": {"id": 1, "connectorId": 1},
                    "meterValue": [
                        {
                            "timestamp": f"2026-05-01T12:0{number}:00Z",
                            "sampledValue": [{"value": 1000.0 * number, "measurand": "Energy.Active.Import.Register"}],
                        }
                    ],
                }
                await station.call("TransactionEvent", event)
            for part, text in enumerate((f"customer {TOKEN[:5]}", f"{TOKEN[5:]} charged here")):
                told = {"data": text, "tbc": part == 0, "seqNo": part, "generatedAt": NOON, "requestId": 5}
                await station.call("NotifyCustomerInformation", told)
            station.answers["ReserveNow"] = {"status": "Accepted"}
            station.answers["CancelReservation"] = {"status": "Accepted"}
            soon = {"station_id": name, "evse_id": 1, "id_token": TOKEN, "expires_at": "2099-01-01T00:00:00Z"}
            made = await api("POST", "/reservations", soon)
            assert made.status in (200, 201), made
            busy = await api("POST", "/anonymisations", {"id_token": TOKEN})
            assert busy.status == 409 and "reservation" in busy.body["detail"]
            assert (await api("DELETE", f"/reservations/{made.body['id']}")).status == 200
            station.answers["RequestStartTransaction"] = {"status": "Rejected"}
            parameters = {"id_token": {"id_token": TOKEN, "type": "ISO14443"}, "evse_id": 1}
            await api("POST", f"/stations/{name}/commands/remote_start", parameters)
    running.gateway._flush_deviations()
    await running.storage.journal.committed()


async def test_nothing_of_a_customer_is_left(url: str, tmp_path: Path) -> None:
    async with site(url, tmp_path) as (running, api):
        await a_customer(running, api)
        before = {(table, column) for table, column, _ in found_in(url, TOKEN)}
        assert {"transactions", "tokens", "messages", "events", "reservations", "commands", "local_lists"} <= {
            table for table, _ in before
        }
        energy = {one["station_id"]: one["energy_wh"] for one in (await api.get("/transactions"))["items"]}
        asked = await api("POST", "/anonymisations", {"id_token": TOKEN.upper()})
        assert asked.status == 202
        again = await api("POST", "/anonymisations", {"id_token": TOKEN})
        assert again.status == 202
        done = await finished(api, asked.body)
        if again.body["id"] != done["id"]:
            await finished(api, again.body)
        await running.storage.journal.committed()
        assert found_in(url, TOKEN) == []

        pseudonym = done["pseudonym"]
        shown = (await api.get("/transactions"))["items"]
        assert {one["id_token"] for one in shown} == {pseudonym}
        assert {one["station_id"]: one["energy_wh"] for one in shown} == energy
        assert len((await api.get("/transactions", params={"id_token": pseudonym}))["items"]) == 3
        assert (done["kinds_done"], done["records"]["transactions"]) == (done["kinds"], 3)
        assert {one["id_token"] for one in (await api.get("/reservations"))["items"]} == {pseudonym}
        tokens = (await api.get("/tokens"))["items"]
        assert [(one["id_token"], one["group_id_token"]) for one in tokens] == [("FRIEND", pseudonym)]
        for name in ("an-201", "an-21"):
            assert (await api.get(f"/stations/{name}/customer-information"))["items"] == []
        frames = [one["frame"] for one in (await api.get("/stations/an-16/messages"))["items"]]
        starts = [json.loads(frame) for frame in frames if '"StartTransaction"' in frame]
        assert [start[3]["idTag"] for start in starts] == [pseudonym]
        headers = {"Authorization": f"Bearer {api.key}", "Accept": "application/json"}
        events = (await api.get("/events?type=token.anonymised", headers=headers))["items"]
        assert done["id"] in {one["data"]["id"] for one in events}
        assert events[-1]["data"]["pseudonym"] == pseudonym
        # Once more: there is nothing left to change.
        later = await finished(api, (await api("POST", "/anonymisations", {"id_token": TOKEN})).body)
        assert later["records"] == {}
        assert later["pseudonym"] != pseudonym


class Pauses:
    """A clock that does something in the place of each pause."""

    def __init__(self, clock: Any, instead: Callable[[], Awaitable[Any]]) -> None:
        self._clock = clock
        self._instead = instead

    def __getattr__(self, name: str) -> Any:
        return getattr(self._clock, name)

    async def sleep(self, seconds: float) -> None:
        await self._instead()


def transaction_event(phase: str, number: int, **more: Any) -> dict[str, Any]:
    return {
        "eventType": phase,
        "timestamp": f"2026-05-01T12:0{number}:00Z",
        "triggerReason": "Authorized",
        "seqNo": number,
        "transactionInfo": {"transactionId": "t-1"},
        "evse": {"id": 1, "connectorId": 1},
        **more,
    }


async def test_what_is_kept_in_memory_does_not_bring_the_token_back(url: str, tmp_path: Path) -> None:
    async with site(url, tmp_path) as (running, api):
        await api("POST", "/stations", {"station_id": "an-201", "strictness": "salvage"})
        await api("PUT", "/tariffs/night", {"currency": "EUR", "energy": {"prices": [{"amount": "0.30"}]}})
        assigned = await api("PUT", "/tariff-assignments/kim", {"tariff_id": "night", "id_tokens": [TOKEN]})
        assert assigned.status in (200, 201), assigned
        async with Station(running.ocpp_port, "an-201", "ocpp2.0.1") as station:
            await station.boot()
            id_token = {"idToken": TOKEN, "type": "ISO14443"}
            await station.call("TransactionEvent", transaction_event("Started", 0, idToken=id_token))
            await station.call("TransactionEvent", transaction_event("Ended", 1))
            done = await finished(api, (await api("POST", "/anonymisations", {"id_token": TOKEN})).body)
            (shown,) = (await api.get("/transactions"))["items"]
            assert shown["id_token"] == done["pseudonym"]
            assert (await api.get("/tariff-assignments/kim"))["id_tokens"] == [done["pseudonym"]]
            # A late message has the row written once more.
            late = transaction_event("Updated", 2, reservationId=7, offline=True)
            late["timestamp"] = "2026-05-01T12:00:30Z"
            await station.call("TransactionEvent", late)
        await running.storage.journal.committed()
        assert found_in(url, TOKEN) == []


async def test_a_transaction_that_begins_meanwhile_is_waited_for(
    url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with site(url, tmp_path) as (running, api):
        await api("POST", "/stations", {"station_id": "an-16", "strictness": "salvage"})
        async with Station(running.ocpp_port, "an-16") as station:
            await station.boot()
            numbers: list[int] = []
            pauses = 0
            step = sweep.Anonymisations.step

            async def begin(self: Any, one: Any, eraser: Any) -> Any:
                if not numbers:
                    begun = {"connectorId": 1, "idTag": TOKEN, "meterStart": 0, "timestamp": NOON}
                    numbers.append((await station.call("StartTransaction", begun))["transactionId"])
                return await step(self, one, eraser)

            async def end() -> None:
                nonlocal pauses
                pauses += 1
                over = {"meterStop": 5000, "timestamp": "2026-05-01T13:00:00Z", "transactionId": numbers[0]}
                await station.call("StopTransaction", over)

            monkeypatch.setattr(sweep.Anonymisations, "step", begin)
            service = running.services.anonymisation
            monkeypatch.setattr(service, "_clock", Pauses(service._clock, end))
            done = await finished(api, (await api("POST", "/anonymisations", {"id_token": TOKEN})).body)
            if not pauses:
                await end()
            (shown,) = (await api.get("/transactions"))["items"]
            assert (shown["id_token"], shown["state"]) == (done["pseudonym"], "Ended")
        await running.storage.journal.committed()
        assert found_in(url, TOKEN) == []
        assert pauses == 1


def texts_everywhere(url: str, text: str, rows: int) -> int:
    """Put rows with the text into every table that is gone through; how many columns have it."""
    engine = create_engine(sync_url(url))
    columns = 0
    with engine.begin() as connection:
        known = MetaData()
        known.reflect(connection)
        for table in sweep._tables():
            values = []
            for row in range(rows):
                one: dict[str, Any] = {}
                for column in known.tables[table.name].columns:
                    own = table.c[column.name]
                    if own in sweep._texts(table):
                        one[column.name] = json.dumps({"said": [f"by {text}, loudly"]})
                    elif isinstance(own.type, Text):
                        one[column.name] = f"key-{row}"
                    else:
                        one[column.name] = False if own.type.python_type is bool else row + 1
                values.append(one)
            connection.execute(insert(known.tables[table.name]), values)
            columns += len(sweep._texts(table))
    engine.dispose()
    return columns * rows


class Nothing:
    """Nothing goes on with the token."""

    async def forget(self, id_token: str) -> Sequence[Any]:
        return ()

    async def open_with_token(self, token_key: str) -> Sequence[Any]:
        return ()

    async def list(self, wanted: Any, page: PageRequest) -> Page[Any]:
        return Page(())

    async def unfinished(self, after: int, limit: int) -> Sequence[Any]:
        return ()


class Crash(BaseException):
    """The program is gone."""


async def test_every_text_of_every_table_in_small_steps_over_crashes(
    url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The program is gone in the middle of steps, before and after their commits, until the work is done."""
    monkeypatch.setattr(sweep, "_STEP", 3)
    nothing, world, steps = Nothing(), World(), 0

    @contextlib.asynccontextmanager
    async def run() -> AsyncIterator[AnonymisationService]:
        storage = await Storage.open(url, SystemClock())
        service = AnonymisationService(
            storage.anonymisations,
            nothing,
            nothing,
            nothing,
            nothing,
            (),
            storage.journal,
            world.events,
            world.ids,
            world.clock,
        )
        try:
            yield service
        finally:
            await service.close()
            await storage.close()

    async with run():
        pass
    planted = texts_everywhere(url, TOKEN, 7)
    assert len(found_in(url, TOKEN)) == planted
    step = sweep.Anonymisations.step

    async def interrupted(self: Any, one: Any, eraser: Any) -> Any:
        nonlocal steps
        steps += 1
        if steps % 15 == 0:
            raise Crash
        done = await step(self, one, eraser)
        if steps % 15 == 7:
            raise Crash
        return done

    monkeypatch.setattr(sweep.Anonymisations, "step", interrupted)
    asked, runs, done = None, 0, None
    while done is None:
        runs += 1
        assert runs < 100
        async with run() as service:
            if asked is None:
                asked = await service.submit(TOKEN)
                assert (await service.submit(TOKEN.upper())).id == asked.id
            else:
                await service.start()
            await asyncio.gather(*service._working.values(), return_exceptions=True)
            shown = await service.get(asked.id)
            done = shown if shown.state is AnonymisationState.COMPLETED else None
    assert runs > 5
    assert asked is not None
    assert (done.pseudonym, done.id_token) == (asked.pseudonym, None)
    assert found_in(url, TOKEN) == []
    assert len(found_in(url, done.pseudonym)) == planted - 7 + 1, "lists no more as sent, and the note of it"
    assert sum(done.records.values()) == 7 * len(sweep._tables())
    (event,) = world.emitted("token.anonymised")
    assert event["records"] == 7 * len(sweep._tables())


def erased(name: str, text: str, token: str = TOKEN) -> str:
    return Eraser(token, "anon-1").cell(name, text)


def test_a_short_token_is_replaced_where_a_token_stands_and_nowhere_else() -> None:
    frame = '[2,"12","MeterValues",{"connectorId":12,"idTag":"12","meterValue":[{"value":"12"}],"at":"12:12"}]'
    assert json.loads(erased("frame", frame, "12")) == [
        2,
        "12",
        "MeterValues",
        {"connectorId": 12, "idTag": "anon-1", "meterValue": [{"value": "12"}], "at": "12:12"},
    ]
    assert erased("token_key", "12", "12") == "anon-1"
    assert erased("problem", "12 failed", "12") == "12 failed"
    assert erased("frame", '[2,"1","Authorize",{"idTag": "12"', "12") == '[2,"1","Authorize",{"idTag": "anon-1"'
    assert erased("frame", '[2,"1","Authorize",{"idTag":12}]', "12") == '[2,"1","Authorize",{"idTag":"anon-1"}]'


def test_the_digits_of_a_card_that_are_a_reading_stay() -> None:
    frame = '[2,"1","X",{"idTag":"12345678","value":"12345678","data":"card 12345678"}]'
    assert json.loads(erased("frame", frame, "12345678"))[3] == {
        "idTag": "anon-1",
        "value": "12345678",
        "data": "card anon-1",
    }


@pytest.mark.parametrize("text", ["nothing", '{"id_token":"other"}', f"x{TOKEN}", f"{TOKEN}9", '["Kd04A1"]', "{", ""])
def test_what_does_not_have_the_token_stays_as_it_was(text: str) -> None:
    assert erased("data", text) is text


@pytest.mark.parametrize("written", [TOKEN, TOKEN.lower(), TOKEN.replace("/", "\\/"), TOKEN.replace("A", "\\u0041")])
def test_however_it_is_written(written: str) -> None:
    for text in (
        f'{{"a":["x {written}"]}}',
        f'{{"a":["x\\n{written}"',
        f'{{"{written}":1}}',
        f'{{"idTag":"{written}","idTag":"2"}}',
        f'\ufeff[2,"1","A",{{"b":"{written}"}}]',
    ):
        changed = erased("frame", text)
        assert "anon-1" in changed
        assert TOKEN.casefold() not in changed.replace("\\/", "/").replace("\\u0041", "A").casefold()
