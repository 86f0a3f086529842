"""Single commands: outcomes in every order, deadlines, restarts, secrets, stations that leave at the wrong moment."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from pathlib import Path

import pytest
from tests.csms.commands.desk import REPORT, Commands, Report, settled

from voltbridge.csms.commands.execution import hidden
from voltbridge.csms.commands.kinds import Context, Prepared, RequestIds, Unsupported, answered
from voltbridge.csms.journal import Fact
from voltbridge.csms.vault import Vault
from voltbridge.domain.commands import Command, CommandState, OutcomeState
from voltbridge.domain.errors import StorageUnavailable
from voltbridge.domain.station_calls import StationNotConnected
from voltbridge.protocol import v16
from voltbridge.protocol.structs import Payload
from voltbridge.protocol.versions import Version

pytestmark = pytest.mark.anyio

GONE = StationNotConnected("CP1")
GONE_MEANWHILE = StationNotConnected("CP1", "the connection was lost", may_have_been_sent=True)


def stored(desk: Commands) -> Command:
    return desk.books.all()[-1]


async def test_an_outcome_comes_after_the_answer() -> None:
    desk = Commands()
    desk.connect()
    command = await desk.service.submit("CP1", "report", {"number": 5})
    assert (command.state, command.outcome_state, command.finished_at) == (
        CommandState.ACCEPTED,
        OutcomeState.PENDING,
        None,
    )
    assert desk.service.awaits("CP1", "report", "5") and not desk.service.awaits("CP1", "report", "6")
    assert desk.service.progress("CP1", "report", "5", {"parts": 1}) == command.id
    assert (stored(desk).outcome_state, stored(desk).outcome) == (OutcomeState.PENDING, {"parts": 1})
    assert desk.service.conclude("CP1", "report", "5", True, {"parts": 2}) == command.id
    assert (stored(desk).outcome_state, stored(desk).outcome) == (OutcomeState.COMPLETED, {"parts": 2})
    assert stored(desk).finished_at is not None
    assert desk.service.conclude("CP1", "report", "5", True, {}) is None
    assert desk.types()[-2:] == ["command.progress", "command.outcome_completed"]


async def test_an_outcome_may_overtake_the_answer() -> None:
    desk = Commands()
    desk.connect()
    desk.door.open.clear()
    sending = asyncio.create_task(desk.service.submit("CP1", "report", {}))
    await settled(lambda: desk.door.sent)
    assert desk.service.conclude("CP1", "report", "1", False, {"why": "no space"}) is not None
    desk.door.open.set()
    command = await sending
    assert (command.state, command.outcome_state) == (CommandState.ACCEPTED, OutcomeState.FAILED)
    assert command.outcome == {"why": "no space"}


async def test_what_is_refused_awaits_nothing() -> None:
    desk = Commands()
    desk.connect()
    desk.door.answer = lambda station_id, request: v16.ResetResponse(status=v16.ResetStatus.REJECTED)
    command = await desk.service.submit("CP1", "report", {})
    assert (command.state, command.outcome_state) == (CommandState.REJECTED, None)
    assert desk.service.conclude("CP1", "report", "1", True, {}) is None


async def test_an_outcome_without_a_name_is_of_the_newest() -> None:
    desk = Commands()
    desk.connect()
    older = await desk.service.submit("CP1", "report", {"number": 7})
    newer = await desk.service.submit("CP1", "report", {"number": 3})
    assert desk.service.conclude("CP1", "report", None, True, {}) == newer.id
    assert desk.service.conclude("CP1", "report", None, True, {}) == older.id
    assert desk.service.conclude("CP2", "report", None, True, {}) is None


async def test_an_outcome_that_never_comes_has_failed() -> None:
    desk = Commands()
    desk.connect()
    await desk.service.submit("CP1", "report", {})
    desk.world.clock.advance(99)
    assert stored(desk).outcome_state is OutcomeState.PENDING
    desk.world.clock.advance(2)
    assert stored(desk).outcome_state is OutcomeState.FAILED
    assert stored(desk).outcome == {"problem": "the station did not tell the end within 100 s"}


async def test_the_same_asked_again_ends_the_first() -> None:
    desk = Commands()
    desk.connect()
    first = await desk.service.submit("CP1", "report", {})
    second = await desk.service.submit("CP1", "report", {})
    found = await desk.service.get(first.id)
    assert found.outcome_state is OutcomeState.FAILED
    assert desk.service.conclude("CP1", "report", "1", True, {}) == second.id


async def test_an_outcome_is_awaited_over_a_restart() -> None:
    desk = Commands()
    desk.connect()
    command = await desk.service.submit("CP1", "report", {})
    await desk.restart()
    assert desk.service.conclude("CP1", "report", "1", True, {}) == command.id
    assert stored(desk).outcome_state is OutcomeState.COMPLETED


async def test_several_messages_are_one_command() -> None:
    desk = Commands()
    desk.connect()
    answers: list[Payload] = [v16.ClearCacheResponse(status=v16.ClearCacheStatus.REJECTED)] * 2
    desk.door.answer = lambda station_id, request: answers.pop()
    command = await desk.service.submit("CP1", "twice", {})
    assert len(desk.door.sent) == 2
    assert (command.state, command.outcome_state) == (CommandState.REJECTED, None)
    assert not desk.service.awaits("CP1", "cleared")


async def test_secrets_are_kept_only_until_they_are_sent() -> None:
    desk = Commands()
    desk.know()
    held = await desk.service.submit("CP1", "report", {"password": "open sesame"}, hold=True)
    assert held.parameters["password"] == "open sesame"
    live = desk.connect()
    await desk.service.returned(live)
    await settled(lambda: stored(desk).state is CommandState.ACCEPTED)
    assert stored(desk).parameters["password"] == "***"


@pytest.mark.parametrize("secret", ["open sesame", "sealed:1:of the operator's own"])
async def test_while_a_command_waits_its_secrets_are_sealed(tmp_path: Path, secret: str) -> None:
    seen: list[str | None] = []

    def builder(wanted: Report, context: Context) -> Prepared:
        seen.append(wanted.password)
        return Prepared(v16.ResetRequest(type=v16.ResetType.SOFT), answered)

    desk = Commands(vault=Vault(tmp_path / "secrets.key"))
    desk.service.kinds = {"report": replace(REPORT, builders={Version.V16: builder}, outcome=None)}
    desk.know()
    held = await desk.service.submit("CP1", "report", {"password": secret, "number": 7}, hold=True)
    kept = held.parameters["password"]
    assert kept.startswith("sealed:1:") and secret not in kept and held.parameters["number"] == 7
    assert hidden(held.parameters)["password"] == "***"
    seen.clear()
    await desk.service.returned(desk.connect())
    await settled(lambda: stored(desk).state is CommandState.ACCEPTED)
    assert seen == [secret] and stored(desk).parameters["password"] == "***"


async def test_a_secret_whose_key_is_gone_is_not_sent(tmp_path: Path) -> None:
    key = tmp_path / "secrets.key"
    desk = Commands(vault=Vault(key))
    desk.know()
    await desk.service.submit("CP1", "report", {"password": "open sesame"}, hold=True)
    key.write_bytes(bytes(32))
    desk.vault = Vault(key)
    await desk.restart()
    await desk.service.returned(desk.connect())
    await settled(lambda: stored(desk).state is CommandState.FAILED)
    error = stored(desk).error
    assert error is not None and error.code == "invalid" and "put that key back" in error.detail
    assert not desk.door.sent and stored(desk).parameters["password"] == "***"


async def test_held_commands_survive_a_restart_in_order() -> None:
    desk = Commands()
    desk.know()
    held = [await desk.service.submit("CP1", "report", {"number": number}, hold=True) for number in (3, 1, 2)]
    await desk.restart()
    assert "CP1" in desk.service.waiting
    await desk.service.returned(desk.connect())
    await settled(lambda: all(each.state is CommandState.ACCEPTED for each in desk.books.all()))
    sent = [each for each in desk.world.journal.of(Command) if each.state is CommandState.SENT]
    assert [each.id for each in sent] == [each.id for each in held]
    assert "CP1" not in desk.service.waiting


async def test_what_was_under_way_when_the_program_ended_has_failed() -> None:
    desk = Commands()
    desk.connect()
    desk.door.open.clear()
    sending = asyncio.create_task(desk.service.submit("CP1", "report", {}))
    await settled(lambda: desk.door.sent)
    await desk.restart()
    error = stored(desk).error
    assert (stored(desk).state, error and error.code) == (CommandState.FAILED, "interrupted")
    with pytest.raises(asyncio.CancelledError):
        await sending


async def test_a_command_expires_over_a_restart() -> None:
    desk = Commands()
    desk.know()
    await desk.service.submit("CP1", "report", {}, hold=True, expires_in_s=60)
    await desk.restart()
    desk.world.clock.advance(59)
    assert stored(desk).state is CommandState.QUEUED
    desk.world.clock.advance(1)
    assert stored(desk).state is CommandState.EXPIRED
    await desk.service.returned(desk.connect())
    assert desk.door.sent == []


async def test_a_station_that_leaves_before_it_is_sent_keeps_it_held() -> None:
    desk = Commands()
    live = desk.connect()
    desk.door.answer = lambda station_id, request: GONE
    command = await desk.service.submit("CP1", "report", {}, hold=True)
    assert command.state is CommandState.QUEUED
    await desk.service.returned(live)
    await settled(lambda: len(desk.door.sent) == 2)
    await settled(lambda: "CP1" in desk.service.waiting)
    assert stored(desk).state is CommandState.QUEUED
    desk.door.answer = lambda station_id, request: v16.ResetResponse(status=v16.ResetStatus.ACCEPTED)
    await desk.service.returned(live)
    await settled(lambda: stored(desk).state is CommandState.ACCEPTED)


async def test_a_station_that_left_just_now_is_not_sent_it_later() -> None:
    desk = Commands()
    desk.connect()
    desk.door.answer = lambda station_id, request: GONE
    with pytest.raises(StationNotConnected):
        await desk.service.submit("CP1", "report", {})
    assert stored(desk).state is CommandState.FAILED
    await desk.restart()
    assert "CP1" not in desk.service.waiting


async def test_a_station_that_leaves_meanwhile_may_have_got_it() -> None:
    desk = Commands()
    desk.connect()
    desk.door.answer = lambda station_id, request: GONE_MEANWHILE
    command = await desk.service.submit("CP1", "report", {}, hold=True)
    assert (command.state, command.error and command.error.code) == (CommandState.FAILED, "not_connected")
    assert not desk.service.awaits("CP1", "report")


async def test_a_later_command_does_not_overtake_held_ones() -> None:
    desk = Commands()
    desk.know()
    await desk.service.submit("CP1", "report", {"number": 1}, hold=True)
    live = desk.connect()
    second = await desk.service.submit("CP1", "report", {"number": 2}, hold=True)
    assert second.state is CommandState.QUEUED
    await desk.service.returned(live)
    await settled(lambda: all(each.state is CommandState.ACCEPTED for each in desk.books.all()))
    sent = [each.parameters["number"] for each in desk.world.journal.of(Command) if each.state is CommandState.SENT]
    assert sent == [1, 2]


async def test_a_caller_that_goes_away_does_not_end_the_command() -> None:
    desk = Commands()
    desk.connect()
    desk.door.open.clear()
    sending = asyncio.create_task(desk.service.submit("CP1", "report", {}))
    await settled(lambda: desk.door.sent)
    sending.cancel()
    desk.door.open.set()
    await desk.service.close()
    assert stored(desk).state is CommandState.ACCEPTED


async def test_a_version_without_a_builder_is_told_so() -> None:
    desk = Commands()
    live = desk.connect()
    live.report = desk.stations.reports["CP1"] = type(live.report)("CP1", protocol="ocpp2.1")
    with pytest.raises(Unsupported, match=r"OCPP 2\.1 has no report"):
        await desk.service.submit("CP1", "report", {})
    assert desk.books.all() == []


async def test_a_broken_builder_is_our_own_fault() -> None:
    desk = Commands()
    desk.connect()
    desk.door.answer = lambda station_id, request: RuntimeError("boom")
    command = await desk.service.submit("CP1", "report", {})
    assert (command.state, command.error and command.error.code) == (CommandState.FAILED, "internal")


def test_request_ids_grow_over_a_restart() -> None:
    desk = Commands()
    ids = RequestIds(desk.world.clock)
    given = [ids.next() for _ in range(3)]
    assert given == sorted(set(given)) and 0 < given[0] < 2**31
    desk.world.clock.advance(10)
    assert RequestIds(desk.world.clock).next() > given[-1]


class Refusing:
    """The journal takes no command in one state, once."""

    def __init__(self, desk: Commands, state: CommandState) -> None:
        self.happened = False
        self._state = state
        self._put = desk.world.journal.put
        desk.world.journal.put = self  # type: ignore[method-assign]

    def __call__(self, fact: Fact) -> None:
        if not self.happened and isinstance(fact, Command) and fact.state is self._state:
            self.happened = True
            raise StorageUnavailable("planted")
        self._put(fact)


async def test_a_held_command_that_could_not_be_noted_as_sent_goes_on_waiting() -> None:
    desk = Commands()
    desk.know("CP1")
    held = await desk.service.submit("CP1", "reset", {}, hold=True)
    refusing = Refusing(desk, CommandState.SENT)
    live = desk.connect("CP1")
    await desk.service.returned(live)
    await settled(lambda: refusing.happened and "CP1" in desk.service.waiting)
    assert (desk.door.sent, stored(desk).state) == ([], CommandState.QUEUED)
    await desk.service.returned(live)
    await settled(lambda: stored(desk).state.is_final)
    assert (stored(desk).id, stored(desk).state) == (held.id, CommandState.ACCEPTED)
    assert len(desk.door.sent) == 1


async def test_a_held_command_whose_end_could_not_be_noted_is_not_sent_again() -> None:
    desk = Commands()
    desk.know("CP1")
    await desk.service.submit("CP1", "reset", {}, hold=True)
    refusing = Refusing(desk, CommandState.ACCEPTED)
    live = desk.connect("CP1")
    await desk.service.returned(live)
    await settled(lambda: refusing.happened and desk.world.clock.timers)
    await desk.service.returned(live)
    desk.world.clock.advance(5)
    await settled(lambda: stored(desk).state.is_final)
    ended = stored(desk)
    assert ended.state is CommandState.FAILED and ended.error is not None and ended.error.code == "storage"
    assert len(desk.door.sent) == 1


async def test_the_end_of_the_program_does_not_wait_for_the_storage() -> None:
    desk = Commands()
    desk.know("CP1")
    await desk.service.submit("CP1", "reset", {}, hold=True)
    refusing = Refusing(desk, CommandState.ACCEPTED)
    await desk.service.returned(desk.connect("CP1"))
    await settled(lambda: refusing.happened and desk.world.clock.timers)
    async with asyncio.timeout(30):
        await desk.service.close()
