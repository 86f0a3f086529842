"""The outbox, rule by rule, in virtual time and against a line that a test answers."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any

import pytest
from tests.station.fake_line import AT, Call, FakeLine, FakeSettings, status, transaction, wording

from voltbridge.domain.tokens import IdToken
from voltbridge.domain.transactions import TransactionPhase
from voltbridge.protocol.versions import Version
from voltbridge.station.answers import Acknowledged, Answer, NoAnswer, Refused, Registration, TimedOut, Unreachable
from voltbridge.station.configuration import StationConfiguration
from voltbridge.station.facts import (
    AuthorizeQuestion,
    BootFact,
    ConnectorState,
    EventsFact,
    Fact,
    FirmwareStatusFact,
    HeartbeatFact,
    MeterFact,
    SecurityEventFact,
)
from voltbridge.station.outbox import StationOutbox
from voltbridge.station.ports import Store
from voltbridge.station.speaker import Speaker
from voltbridge.station.virtual_clock import VirtualClock, run
from voltbridge.station.wording import Wording
from voltbridge.storage.station import MemoryStore

STARTED, ENDED = TransactionPhase.STARTED, TransactionPhase.ENDED
TOKEN = IdToken("04A2", "ISO14443")
ALL = (Version.V21, Version.V201, Version.V16)


class Scene:
    """One outbox with its surroundings."""

    def __init__(self, clock: VirtualClock, store: Store | None = None, **settings: Any) -> None:
        self.clock = clock
        self.store = store or MemoryStore()
        self.settings = FakeSettings(**settings)
        self.answers: list[tuple[Fact, Answer | None]] = []
        self.outbox = self.restart()

    def restart(self, words: Callable[[Version, Fact], Wording | None] = wording) -> StationOutbox:
        speaker = Speaker(StationConfiguration("CP-1", "ws://csms"), self.store)
        self.outbox = StationOutbox(self.store, self.clock, self.settings, speaker, ALL, wording=words)
        self.outbox.on_answer = lambda fact, answer: self.answers.append((fact, answer))
        return self.outbox

    def online(
        self,
        version: Version = Version.V201,
        answering: Callable[[Any], Any] | None = None,
        registration: Registration = Registration.ACCEPTED,
    ) -> FakeLine:
        line = FakeLine(version, answering)
        self.outbox.attach(line)
        self.outbox.registration = registration
        return line

    def lose(self, line: FakeLine) -> None:
        self.outbox.detach()
        line.end()

    @property
    def told(self) -> list[Fact]:
        return [fact for fact, answer in self.answers if answer is not None]

    @property
    def given_up(self) -> list[Fact]:
        return [fact for fact, answer in self.answers if answer is None]


def scene(story: Callable[[Scene], Awaitable[None]], **settings: Any) -> None:
    async def live(clock: VirtualClock) -> None:
        await story(Scene(clock, **settings))

    run(live)


def agree(fact: Any) -> None:
    return None


def always(error: NoAnswer, fact: Any) -> NoAnswer:
    return error


def sequences(facts: list[Any]) -> list[int]:
    return [fact.sequence for fact in facts]


# 1. Registration


@pytest.mark.parametrize("registration", list(Registration))
def test_rule_1_what_may_leave_before_acceptance(registration: Registration) -> None:
    async def story(scene: Scene) -> None:
        line = scene.online(answering=agree, registration=registration)
        outbox = scene.outbox
        outbox.tell(status(ConnectorState.PREPARING))
        outbox.tell(transaction(0, STARTED))
        outbox.tell(SecurityEventFact(event="StartupOfTheDevice", at=AT))
        outbox.tell(FirmwareStatusFact(status="Idle"), triggered=True)
        assert isinstance(await outbox.ask(BootFact()), Acknowledged)
        accepted = registration is Registration.ACCEPTED
        for triggered in (False, True):
            if accepted or (triggered and registration is Registration.PENDING):
                await outbox.ask(HeartbeatFact(), triggered=triggered)
            else:
                with pytest.raises(Unreachable, match="registration is not accepted"):
                    await outbox.ask(HeartbeatFact(), triggered=triggered)
        await outbox.idle()
        kinds = {type(fact) for fact in line.said} - {BootFact, HeartbeatFact}
        if accepted:
            assert len(kinds) == 4
        else:
            assert kinds == ({FirmwareStatusFact} if registration is Registration.PENDING else set())
            assert outbox.queued == 1
            assert not outbox.online
            outbox.registration = Registration.ACCEPTED
            await outbox.idle()
            assert len({type(fact) for fact in line.said} - {BootFact, HeartbeatFact}) == 4

    scene(story)


def test_rule_1_readings_the_csms_asked_for_leave_in_pending() -> None:
    async def story(scene: Scene) -> None:
        line = scene.online(Version.V16, agree, Registration.PENDING)
        scene.outbox.tell(MeterFact(evse_id=0, connector_id=0, meter=()), triggered=True)
        scene.outbox.tell(MeterFact(evse_id=1, connector_id=1, meter=()))
        await scene.outbox.idle()
        assert [fact.evse_id for fact in line.said] == [0]

    scene(story)


# 2. Questions


def test_rule_2_questions_pass_everything_that_waits() -> None:
    async def story(scene: Scene) -> None:
        line = scene.online()
        for n in range(10):
            scene.outbox.tell(transaction(n))
        scene.outbox.tell(status(ConnectorState.PREPARING))
        first = await line.calls.get()
        asking = asyncio.create_task(scene.outbox.ask(AuthorizeQuestion(id_token=TOKEN)))
        await asyncio.sleep(0)
        first.succeed()
        second = await line.calls.get()
        assert isinstance(second.fact, AuthorizeQuestion)
        second.succeed()
        assert isinstance(await asking, Acknowledged)
        assert not any(isinstance(fact, AuthorizeQuestion) for fact, _ in scene.answers)

    scene(story)


def test_rule_2_questions_end_with_the_connection_and_without_one_there_are_none() -> None:
    async def story(scene: Scene) -> None:
        with pytest.raises(Unreachable, match="not connected"):
            await scene.outbox.ask(AuthorizeQuestion(id_token=TOKEN))
        line = scene.online()
        asking = [asyncio.create_task(scene.outbox.ask(AuthorizeQuestion(id_token=TOKEN))) for _ in range(3)]
        await line.calls.get()
        scene.lose(line)
        for question in asking:
            with pytest.raises(Unreachable):
                await question
        line = scene.online(answering=agree)
        await scene.outbox.idle()
        assert line.said == []

    scene(story)


def test_rule_2_questions_tell_what_became_of_them() -> None:
    async def story(scene: Scene) -> None:
        for error in (TimedOut("silence"), Refused("InternalError", "no")):
            scene.online(answering=partial(always, error))
            with pytest.raises(type(error)):
                await scene.outbox.ask(AuthorizeQuestion(id_token=TOKEN))

    scene(story)


def test_rule_2_who_asked_may_go_away() -> None:
    async def story(scene: Scene) -> None:
        line = scene.online()
        asking = [asyncio.create_task(scene.outbox.ask(AuthorizeQuestion(id_token=TOKEN))) for _ in range(3)]
        call = await line.calls.get()
        asking[0].cancel()
        asking[1].cancel()
        await asyncio.gather(*asking[:2], return_exceptions=True)
        call.succeed()
        (await line.calls.get()).succeed()
        await asking[2]
        await scene.outbox.idle()
        assert len(line.said) == 2

    scene(story)


# 3. Order and durability of transactions


def test_rule_3_in_their_order_across_an_outage_and_a_restart() -> None:
    async def story(scene: Scene) -> None:
        line = scene.online()
        scene.outbox.tell(transaction(0, STARTED))
        (await line.calls.get()).succeed()
        await scene.outbox.idle()
        scene.lose(line)
        for n in (1, 2, 3):
            scene.outbox.tell(transaction(n))
        await scene.outbox.stop()
        outbox = scene.restart()
        assert outbox.queued == 3
        assert outbox.version is Version.V201
        outbox.tell(transaction(4, ENDED))
        line = scene.online(Version.V16, agree)
        await outbox.idle()
        assert sequences(line.said) == [1, 2, 3, 4]
        assert [fact.offline for fact in line.said] == [True] * 4
        assert outbox.queued == 0
        assert scene.store.queue() == []
        assert sequences(scene.told) == [0, 1, 2, 3, 4]

    scene(story)


def test_rule_3_what_was_on_its_way_is_sent_again() -> None:
    async def story(scene: Scene) -> None:
        line = scene.online()
        scene.outbox.tell(transaction(0, STARTED))
        scene.outbox.tell(transaction(1))
        await line.calls.get()
        scene.lose(line)
        await scene.outbox.idle()
        line = scene.online(answering=agree)
        await scene.outbox.idle()
        assert sequences(line.said) == [0, 1]
        assert [fact.offline for fact in line.said] == [False, False], "they occurred while the station was online"

    scene(story)


class SlowDisk(MemoryStore):
    """Commits when the test says so."""

    def __init__(self) -> None:
        super().__init__()
        self.gate = asyncio.Event()
        self.broken = False

    async def committed(self) -> None:
        if self.broken:
            raise OSError("no space left on device")
        await self.gate.wait()


def test_rule_3_nothing_leaves_before_it_is_on_disk() -> None:
    async def live(clock: VirtualClock) -> None:
        disk = SlowDisk()
        scene = Scene(clock, disk)
        line = scene.online(answering=agree)
        scene.outbox.tell(transaction(0, STARTED))
        for _ in range(10):
            await asyncio.sleep(0)
        assert line.said == []
        disk.gate.set()
        await scene.outbox.idle()
        assert sequences(line.said) == [0]

    run(live)


def test_rule_3_a_broken_disk_silences_nobody() -> None:
    async def live(clock: VirtualClock) -> None:
        disk = SlowDisk()
        disk.broken = True
        scene = Scene(clock, disk)
        line = scene.online(answering=agree)
        scene.outbox.tell(transaction(0, STARTED))
        await scene.outbox.idle()
        assert sequences(line.said) == [0]

    run(live)


def test_rule_3_what_cannot_be_read_any_more_stands_in_nobodys_way() -> None:
    async def story(scene: Scene) -> None:
        scene.outbox.tell(transaction(0))
        scene.store.append(b'{"type": "FactOfTomorrow"}')
        scene.store.append(b"\xff\x00 torn")
        scene.restart().tell(transaction(1))
        line = scene.online(answering=agree)
        await scene.outbox.idle()
        assert sequences(line.said) == [0, 1]
        assert scene.store.queue() == []

    scene(story)


# 4. Attempts


def attempts(scene: Scene, line: FakeLine) -> Callable[[Any], Awaitable[float]]:
    async def after(error: Any) -> float:
        call: Call = await line.calls.get()
        if error is None:
            call.succeed()
        else:
            call.fail(error)
        return scene.clock.monotonic()

    return after


@pytest.mark.parametrize("error", [TimedOut("silence"), Refused("InternalError")])
def test_rule_4_again_after_growing_pauses_then_given_up(error: Exception) -> None:
    """TC_E_41_CS; 1.6 3.7.1's example: 60 seconds, then 120, then discarded."""

    async def story(scene: Scene) -> None:
        line = scene.online()
        scene.outbox.tell(transaction(0, STARTED))
        scene.outbox.tell(transaction(1))
        after = attempts(scene, line)
        assert [await after(error) for _ in range(3)] == [0, 60, 180]
        call = await line.calls.get()
        assert scene.clock.monotonic() == 180, "the next one does not wait"
        assert call.fact.sequence == 1
        assert sequences(scene.given_up) == [0]
        call.succeed()
        await scene.outbox.idle()
        assert sequences(scene.told) == [1]
        assert scene.store.queue() == []

    scene(story)


def test_rule_4_a_success_before_the_last_attempt_ends_it() -> None:
    """TC_E_42_CS."""

    async def story(scene: Scene) -> None:
        line = scene.online()
        scene.outbox.tell(transaction(0))
        after = attempts(scene, line)
        assert [await after(error) for error in (TimedOut("silence"), None)] == [0, 60]
        scene.outbox.tell(transaction(1))
        assert await after(TimedOut("silence")) == 60, "a new one has attempts of its own"
        assert await after(None) == 120
        await scene.clock.sleep(10_000)
        assert len(line.said) == 4

    scene(story)


def test_rule_4_lost_connections_do_not_count() -> None:
    async def story(scene: Scene) -> None:
        scene.outbox.tell(transaction(0))
        for _ in range(20):
            line = scene.online()
            await line.calls.get()
            scene.lose(line)
            await scene.outbox.idle()
        assert scene.given_up == []
        assert scene.outbox.queued == 1

    scene(story)


@pytest.mark.parametrize(
    ("signed", "settings", "expected"),
    [
        (True, {"signed_message_attempts": 5}, 5),
        (True, {"signed_message_attempts": 0}, 3),
        (False, {"signed_message_attempts": 5}, 3),
        (False, {"message_attempts": 0}, 1),
    ],
)
def test_rule_4_legally_relevant_messages_have_attempts_of_their_own(
    signed: bool, settings: dict[str, Any], expected: int
) -> None:
    async def story(scene: Scene) -> None:
        line = scene.online(answering=lambda fact: TimedOut("silence"))
        scene.outbox.tell(transaction(0, signed=signed))
        await scene.clock.sleep(100_000)
        assert len(line.said) == expected

    scene(story, **settings)


def test_rule_4_while_one_waits_for_its_next_attempt_others_leave() -> None:
    async def story(scene: Scene) -> None:
        line = scene.online()
        scene.outbox.tell(transaction(0))
        (await line.calls.get()).fail(TimedOut("silence"))
        scene.outbox.tell(transaction(1))
        scene.outbox.tell(status(ConnectorState.PREPARING))
        (await line.calls.get()).succeed()
        await scene.outbox.idle()
        assert line.said[-1] == status(ConnectorState.PREPARING)
        assert scene.clock.monotonic() == 0

    scene(story)


def test_rule_4_readings_of_1_6_that_are_not_retransmitted() -> None:
    async def story(scene: Scene) -> None:
        line = scene.online(Version.V16)
        scene.outbox.tell(transaction(0, STARTED))
        scene.outbox.tell(transaction(1))
        scene.outbox.tell(transaction(2, signed=True))
        assert len(scene.store.queue()) == 2
        (await line.calls.get()).succeed()
        (await line.calls.get()).fail(TimedOut("silence"))
        assert (await line.calls.get()).fact.sequence == 2, "no second attempt"
        scene.outbox.tell(transaction(3))
        scene.lose(line)
        await scene.outbox.idle()
        scene.outbox.tell(transaction(4))
        line = scene.online(Version.V16, agree)
        await scene.outbox.idle()
        assert sequences(line.said) == [2], "not held while there is no connection"

    scene(story, retransmit_meter_values=False)


def test_rule_4_retransmission_is_no_question_in_2_x() -> None:
    async def story(scene: Scene) -> None:
        line = scene.online()
        scene.outbox.tell(transaction(1))
        await line.calls.get()
        scene.lose(line)
        assert len(scene.store.queue()) == 1

    scene(story, retransmit_meter_values=False)


# 5. Others


def test_rule_5_in_the_order_they_were_told() -> None:
    async def story(scene: Scene) -> None:
        line = scene.online(answering=agree)
        told: list[Fact] = [
            status(ConnectorState.PREPARING),
            transaction(0, STARTED),
            status(ConnectorState.CHARGING),
            transaction(1, ENDED),
            status(ConnectorState.FINISHING),
        ]
        for fact in told:
            scene.outbox.tell(fact)
        await scene.outbox.idle()
        assert line.said == told
        assert scene.told == told

    scene(story)


def test_rule_5_through_a_backlog_one_by_one() -> None:
    async def story(scene: Scene) -> None:
        for n in range(50):
            scene.outbox.tell(transaction(n))
        line = scene.online(answering=agree)
        for connector in (1, 2, 3):
            scene.outbox.tell(status(ConnectorState.PREPARING, connector_id=connector))
        await scene.outbox.idle()
        places = [place for place, fact in enumerate(line.said) if not hasattr(fact, "sequence")]
        assert places == [1, 3, 5]
        assert sequences([fact for fact in line.said if hasattr(fact, "sequence")]) == list(range(50))

    scene(story)


def test_rule_5_of_a_connector_only_the_last_state_and_no_heartbeat() -> None:
    async def story(scene: Scene) -> None:
        outbox = scene.outbox
        outbox.tell(HeartbeatFact())
        outbox.tell(BootFact())
        outbox.tell(status(ConnectorState.PREPARING, previous="Available"))
        outbox.tell(status(ConnectorState.PREPARING, connector_id=2))
        outbox.tell(status(ConnectorState.CHARGING, previous="Occupied"))
        outbox.tell(status(ConnectorState.AVAILABLE, previous="Occupied"))
        outbox.tell(status(ConnectorState.AVAILABLE, connector_id=2, previous=None))
        line = scene.online(answering=agree)
        await outbox.idle()
        assert line.said == [
            status(ConnectorState.AVAILABLE, previous="Available"),
            status(ConnectorState.AVAILABLE, connector_id=2, previous=None),
        ]

    scene(story)


def test_rule_5_while_online_every_state_is_told() -> None:
    async def story(scene: Scene) -> None:
        line = scene.online(answering=agree)
        for state in (ConnectorState.PREPARING, ConnectorState.CHARGING, ConnectorState.FINISHING):
            scene.outbox.tell(status(state))
        await scene.outbox.idle()
        assert len(line.said) == 3

    scene(story)


def test_rule_5_what_was_on_its_way_when_the_connection_ended() -> None:
    async def story(scene: Scene) -> None:
        for newer in (False, True):
            line = scene.online()
            scene.outbox.tell(status(ConnectorState.PREPARING))
            scene.outbox.tell(FirmwareStatusFact(status="Downloading"))
            await line.calls.get()
            if newer:
                scene.outbox.tell(status(ConnectorState.CHARGING))
            scene.lose(line)
            await scene.outbox.idle()
            line = scene.online(answering=agree)
            await scene.outbox.idle()
            states = [fact.state for fact in line.said if hasattr(fact, "state")]
            assert states == [ConnectorState.CHARGING if newer else ConnectorState.PREPARING]
            assert len(line.said) == 2

    scene(story)


def test_rule_5_tried_once() -> None:
    async def story(scene: Scene) -> None:
        line = scene.online(answering=lambda fact: Refused("InternalError"))
        scene.outbox.tell(status(ConnectorState.PREPARING))
        await scene.outbox.idle()
        await scene.clock.sleep(10_000)
        assert len(line.said) == 1
        assert len(scene.given_up) == 1

    scene(story)


def test_rule_5_what_waits_in_memory_has_a_bound() -> None:
    async def story(scene: Scene) -> None:
        for n in range(500):
            scene.outbox.tell(FirmwareStatusFact(status="Downloading", request_id=n))
        line = scene.online(answering=agree)
        await scene.outbox.idle()
        assert [fact.request_id for fact in line.said] == list(range(300, 500))

    scene(story)


# 6. Security events, and QueueAllMessages


def event(number: int) -> SecurityEventFact:
    return SecurityEventFact(event="SettingSystemTime", at=AT, info=str(number))


def test_rule_6_security_events_are_kept_until_they_are_confirmed() -> None:
    async def story(scene: Scene) -> None:
        scene.outbox.tell(event(1))
        outbox = scene.restart()
        assert outbox.queued == 0, "they are not of transactions"
        line = scene.online()
        outbox.tell(event(2))
        after = attempts(scene, line)
        assert [await after(TimedOut("silence")) for _ in range(5)] == [0, 60, 180, 360, 600], "never given up"
        outbox.tell(transaction(0))
        call = await line.calls.get()
        assert call.fact.sequence == 0, "and in nobody's way"
        call.succeed()
        await after(None)
        await after(None)
        await outbox.idle()
        assert [fact for fact in scene.told if isinstance(fact, SecurityEventFact)] == [event(1), event(2)]
        assert scene.store.queue() == []

    scene(story)


def seen_by_a_monitor(sequence: int) -> EventsFact:
    return EventsFact(generated_at=AT, sequence=sequence, to_be_continued=False, events=())


def test_rule_6_what_monitors_have_seen_outlasts_a_restart_and_the_oldest_goes_beyond_the_capacity() -> None:
    async def story(scene: Scene) -> None:
        scene.outbox.tell(event(0))
        for number in range(4):
            scene.outbox.tell(seen_by_a_monitor(number))
        scene.restart()
        line = scene.online(answering=agree)
        await scene.outbox.idle()
        assert line.said == [event(0), seen_by_a_monitor(2), seen_by_a_monitor(3)]
        assert scene.store.queue() == []

    scene(story, queue_capacity=3)


def test_rule_6_a_flood_of_one_security_event_fills_no_disk_and_hides_no_other(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("voltbridge.station.outbox._MOST_SECURITY_EVENTS", 20)

    async def story(scene: Scene) -> None:
        rare = [SecurityEventFact(event=name, at=AT) for name in ("FirmwareUpdated", "MaintenanceLoginFailed")]
        scene.outbox.tell(rare[0])
        for number in range(100):
            scene.outbox.tell(event(number))
            if number == 50:
                scene.outbox.tell(rare[1])
        assert len(scene.store.queue()) == 20
        line = scene.online(answering=agree)
        await scene.outbox.idle()
        assert [fact for fact in line.said if fact in rare] == rare
        assert [fact for fact in line.said if fact not in rare] == [event(number) for number in range(82, 100)]

    scene(story, queue_capacity=3)


def test_rule_6_a_csms_that_knows_no_security_events_refuses_them_once() -> None:
    async def story(scene: Scene) -> None:
        line = scene.online(answering=lambda fact: Refused("NotImplemented"))
        scene.outbox.tell(event(1))
        await scene.clock.sleep(10_000)
        assert len(line.said) == 1
        line = scene.online(answering=lambda fact: Refused("InternalError"))
        scene.outbox.tell(event(2))
        await scene.clock.sleep(10_000)
        assert len(line.said) == 3

    scene(story)


def test_rule_6_with_queue_all_messages_everything_survives() -> None:
    async def story(scene: Scene) -> None:
        scene.outbox.tell(status(ConnectorState.PREPARING))
        scene.outbox.tell(FirmwareStatusFact(status="Downloading"))
        scene.outbox.tell(status(ConnectorState.CHARGING))
        scene.outbox.tell(HeartbeatFact())
        scene.restart()
        line = scene.online(answering=agree)
        await scene.outbox.idle()
        assert line.said == [
            status(ConnectorState.PREPARING),
            FirmwareStatusFact(status="Downloading"),
            status(ConnectorState.CHARGING),
        ]

    scene(story, queue_all_messages=True)


# 7. Capacity


def test_rule_7_every_other_reading_goes_first() -> None:
    """E04.FR.08: the first, the third, the fifth."""

    async def story(scene: Scene) -> None:
        scene.outbox.tell(transaction(0, STARTED))
        for n in range(1, 9):
            scene.outbox.tell(transaction(n))
        scene.outbox.tell(transaction(9, trigger="ChargingStateChanged"))
        assert scene.outbox.queued == 10
        assert not scene.outbox.full
        scene.outbox.tell(transaction(10, ENDED))
        kept = [0, 2, 4, 6, 8, 9, 10]
        assert scene.outbox.queued == len(kept)
        scene.restart()
        line = scene.online(answering=agree)
        await scene.outbox.idle()
        assert sequences(line.said) == kept

    scene(story, queue_capacity=10)


def test_rule_7_starts_ends_tokens_and_signed_values_never_go() -> None:
    async def story(scene: Scene) -> None:
        precious = [
            transaction(0, STARTED),
            transaction(1, signed=True),
            transaction(2, id_token=TOKEN),
            transaction(3, authorizes=True),
            transaction(4, ENDED),
        ]
        for _ in range(4):
            for fact in precious:
                scene.outbox.tell(fact)
        assert scene.outbox.queued == 20
        scene.outbox.tell(transaction(5, trigger="ChargingStateChanged"))
        assert scene.outbox.queued == 20
        assert scene.outbox.full

    scene(story, queue_capacity=5, disallow_charging_if_queue_full=True)


def test_rule_7_what_is_on_its_way_stays() -> None:
    async def story(scene: Scene) -> None:
        line = scene.online()
        for n in range(4):
            scene.outbox.tell(transaction(n))
        call = await line.calls.get()
        scene.outbox.tell(transaction(4))
        call.succeed()
        while scene.outbox.queued:
            (await line.calls.get()).succeed()
            await asyncio.sleep(0)
        assert sequences(line.said) == [0, 2, 4]
        assert sequences(scene.told) == [0, 2, 4]

    scene(story, queue_capacity=4)


def test_rule_7_full_only_where_that_is_to_stop_charging() -> None:
    async def story(scene: Scene) -> None:
        for n in range(6):
            scene.outbox.tell(transaction(n, STARTED))
        assert not scene.outbox.full

    scene(story, queue_capacity=5)


# 8. Offline, versions, words


def test_rule_8_offline_is_what_happened_while_not_online() -> None:
    async def story(scene: Scene) -> None:
        scene.outbox.tell(transaction(0))
        line = scene.online(answering=agree, registration=Registration.PENDING)
        scene.outbox.tell(transaction(1))
        scene.outbox.registration = Registration.ACCEPTED
        scene.outbox.tell(transaction(2))
        await scene.outbox.idle()
        assert [fact.offline for fact in line.said] == [True, True, False]

    scene(story)


def test_rule_9_a_csms_that_has_forgotten_the_station_loses_nothing() -> None:
    async def story(scene: Scene) -> None:
        boots = []

        def register() -> None:
            boots.append(scene.outbox.registration)

        scene.outbox.on_unregistered = register
        line = scene.online(answering=partial(always, Refused("SecurityError")))
        scene.outbox.tell(transaction(0))
        scene.outbox.tell(status(ConnectorState.PREPARING))
        await scene.outbox.idle()
        assert boots == [Registration.UNKNOWN]
        assert len(line.said) == 1
        line._answering = agree
        scene.outbox.registration = Registration.ACCEPTED
        await scene.outbox.idle()
        assert line.said[1:] == [transaction(0), status(ConnectorState.PREPARING)]

    scene(story)


def test_rule_9_once_in_a_connection() -> None:
    async def story(scene: Scene) -> None:
        boots = []

        def register() -> None:
            boots.append(scene.clock.monotonic())
            scene.outbox.registration = Registration.ACCEPTED

        scene.outbox.on_unregistered = register
        line = scene.online(answering=partial(always, Refused("SecurityError")))
        scene.outbox.tell(status(ConnectorState.PREPARING))
        scene.outbox.tell(transaction(0))
        await scene.clock.sleep(10_000)
        assert len(boots) == 1
        assert len(line.said) == 2 + 3, "after that it is an error like any other"
        with pytest.raises(Refused):
            await scene.outbox.ask(AuthorizeQuestion(id_token=TOKEN))
        scene.lose(line)
        scene.online(answering=partial(always, Refused("SecurityError")))
        with pytest.raises(Refused):
            await scene.outbox.ask(AuthorizeQuestion(id_token=TOKEN))
        assert len(boots) == 2

    scene(story)


def test_another_csms_or_another_version_registers_anew() -> None:
    async def story(scene: Scene) -> None:
        line = scene.online()
        scene.lose(line)
        found = []
        for line, register in ((FakeLine(), False), (FakeLine(), True), (FakeLine(Version.V16), False)):
            scene.outbox.registration = Registration.ACCEPTED
            scene.outbox.attach(line, register=register)
            found.append((scene.outbox.registration, scene.outbox.version))
        assert found == [
            (Registration.ACCEPTED, Version.V201),
            (Registration.UNKNOWN, Version.V201),
            (Registration.UNKNOWN, Version.V16),
        ]

    scene(story)


def test_the_version_before_and_after_connections() -> None:
    async def story(scene: Scene) -> None:
        versions = [scene.outbox.version]
        scene.lose(scene.online(Version.V16))
        versions += [scene.outbox.version, scene.restart().version]
        assert versions == [Version.V21, Version.V16, Version.V16]

    scene(story)


def test_what_a_version_does_not_say_is_passed_over() -> None:
    def silent(version: Version, fact: Fact) -> Wording | None:
        if isinstance(fact, FirmwareStatusFact):
            return None
        words = wording(version, fact)
        assert words is not None
        return Wording(words.action, lambda fact, speaker: None if fact.sequence == 1 else fact, words.answer)

    async def story(scene: Scene) -> None:
        outbox = scene.restart(silent)
        line = scene.online(answering=agree)
        outbox.tell(FirmwareStatusFact(status="Idle"))
        for n in range(3):
            outbox.tell(transaction(n))
        await outbox.idle()
        assert sequences(line.said) == [0, 2]
        assert outbox.queued == 0
        with pytest.raises(Refused, match="NotSupported"):
            await outbox.ask(FirmwareStatusFact(status="Idle"))

    scene(story)


def test_a_mistake_in_words_or_in_an_answer_stops_nothing_behind_it() -> None:
    def broken(version: Version, fact: Fact) -> Wording | None:
        def request(fact: Any, speaker: Any) -> Any:
            if fact.sequence == 0:
                raise KeyError("a mistake")
            return fact

        def answer(response: Any, fact: Any, speaker: Any) -> Answer:
            if fact.sequence == 1:
                raise ValueError("an answer nobody understands")
            return Acknowledged()

        return Wording("TransactionEvent", request, answer)

    async def story(scene: Scene) -> None:
        outbox = scene.restart(broken)
        line = scene.online(answering=agree)
        for n in range(3):
            outbox.tell(transaction(n))
        await scene.clock.sleep(100_000)
        assert sequences(line.said) == [1, 1, 1, 2]
        assert sequences(scene.told) == [2]
        assert sequences(scene.given_up) == [0, 1]

    scene(story)


def test_an_answer_whose_effect_fails_is_an_answer() -> None:
    async def story(scene: Scene) -> None:
        def fail(fact: Fact, answer: Answer | None) -> None:
            raise RuntimeError("a mistake of whoever listens")

        scene.outbox.on_answer = fail
        line = scene.online(answering=agree)
        scene.outbox.tell(transaction(0))
        scene.outbox.tell(transaction(1))
        await scene.outbox.idle()
        assert sequences(line.said) == [0, 1]
        assert scene.outbox.queued == 0

    scene(story)


def test_what_is_known_of_queued_transactions() -> None:
    async def story(scene: Scene) -> None:
        scene.outbox.tell(transaction(0, key="T1"))
        assert scene.outbox.transactions_queued()
        assert scene.outbox.transactions_queued("T1")
        assert not scene.outbox.transactions_queued("T2")
        scene.online(answering=agree)
        await scene.outbox.idle()
        assert not scene.outbox.transactions_queued()

    scene(story)


def test_the_time_of_the_last_exchange() -> None:
    async def story(scene: Scene) -> None:
        line = scene.online()
        await scene.clock.sleep(100)
        asking = asyncio.create_task(scene.outbox.ask(HeartbeatFact()))
        call = await line.calls.get()
        assert scene.outbox.last_exchange == 100
        await scene.clock.sleep(10)
        call.succeed()
        await asking
        assert scene.outbox.last_exchange == 110

    scene(story)
