"""The queue under any history of connections, refusals and kills: nothing lost, all in order, no needless doubles.

The disk keeps what was committed; a kill at any point loses the rest. What leaves must have been on disk before.
"""

from __future__ import annotations

import asyncio

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule
from tests.station.fake_line import Call, FakeLine, FakeSettings, transaction, wording

from voltbridge.domain.transactions import TransactionPhase
from voltbridge.protocol.versions import Version
from voltbridge.station.answers import Answer, Refused, Registration, TimedOut
from voltbridge.station.configuration import StationConfiguration
from voltbridge.station.facts import Fact, TransactionFact, decode_fact
from voltbridge.station.outbox import StationOutbox
from voltbridge.station.queue import KeptQueue
from voltbridge.station.speaker import Speaker
from voltbridge.station.virtual_clock import VirtualClock, VirtualLoop
from voltbridge.storage.station import MemoryStore

ATTEMPTS = 3
CAPACITY = 12


class Disk(MemoryStore):
    """Remembers at once and keeps what was committed; a commit takes as long as the machine below lets it."""

    def __init__(self, kept: MemoryStore | None = None) -> None:
        super().__init__()
        self.kept: dict[int, bytes] = {} if kept is None else dict(kept.queue())
        for number, item in self.kept.items():
            self._queue[number] = item
            self._last = number
        self._documents = {} if kept is None else {name: dict(kept.all(name)) for name in ("outbox",)}
        self.slow = False
        self.done = asyncio.Event()

    async def committed(self) -> None:
        promised = dict(self._queue)
        if self.slow:
            self.done.clear()
            await self.done.wait()
        self.kept = promised

    def commit(self) -> None:
        """What the disk does in its own time."""
        self.kept = dict(self._queue)
        self.done.set()

    def sequences(self) -> set[int]:
        """Of the facts that are on disk."""
        facts = [decode_fact(item) for item in self.kept.values()]
        return {fact.sequence for fact in facts if isinstance(fact, TransactionFact)}

    def after_a_kill(self) -> Disk:
        """What is found after the process has died."""
        left = MemoryStore()
        left._queue = dict(self.kept)
        left._documents = self._documents
        return Disk(left)


class Queue(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.clock = VirtualClock()
        self.runner = asyncio.Runner(loop_factory=lambda: VirtualLoop(self.clock))
        self.disk = Disk()
        self.told: list[int] = []
        """Sequence numbers, as they were told."""
        self.heard: list[int] = []
        """As the CSMS got them, with repetitions."""
        self.uncertain: set[int] = set()
        """Those of which the station does not know whether the CSMS acted on them: they may come again."""
        self.given_up: set[int] = set()
        self.answered: list[int] = []
        self.thinned: set[int] = set()
        self.lost: set[int] = set()
        self.line: FakeLine | None = None
        self.call: Call | None = None
        self.runner.run(self._begin())

    async def _begin(self) -> None:
        speaker = Speaker(StationConfiguration("CP-1", "ws://csms"), self.disk)
        config = FakeSettings(message_attempts=ATTEMPTS, message_attempt_interval_s=10, queue_capacity=CAPACITY)
        versions = (Version.V201, Version.V16)
        self.outbox = StationOutbox(self.disk, self.clock, config, speaker, versions, wording=wording)
        self.outbox.on_answer = self._on_answer

    def _on_answer(self, fact: Fact, answer: Answer | None) -> None:
        assert isinstance(fact, TransactionFact)
        if answer is None:
            self.given_up.add(fact.sequence)
        else:
            self.answered.append(fact.sequence)

    async def _settle(self) -> None:
        """Let everybody do what can be done at this moment, without any time passing."""
        for _ in range(20):
            await asyncio.sleep(0)
        if self.line is not None and self.call is None and not self.line.calls.empty():
            self.call = self.line.calls.get_nowait()
            sequence = self.call.fact.sequence
            on_disk = self.disk.sequences()
            assert sequence in on_disk, "left before it was on disk"
            self.heard.append(sequence)

    @rule(phase=st.sampled_from([TransactionPhase.STARTED, TransactionPhase.UPDATED, TransactionPhase.ENDED]))
    def tell(self, phase: TransactionPhase) -> None:
        async def act() -> None:
            sequence = len(self.told)
            before = _waiting(self.outbox)
            self.outbox.tell(transaction(sequence, phase))
            self.told.append(sequence)
            self.thinned |= {*before, sequence} - _waiting(self.outbox)
            await self._settle()

        self.runner.run(act())

    @rule(version=st.sampled_from([Version.V201, Version.V16]))
    @precondition(lambda self: self.line is None)
    def connect(self, version: Version) -> None:
        async def act() -> None:
            self.line = FakeLine(version)
            self.outbox.attach(self.line)
            self.outbox.registration = Registration.ACCEPTED
            await self._settle()

        self.runner.run(act())

    @rule()
    @precondition(lambda self: self.line is not None)
    def disconnect(self) -> None:
        async def act() -> None:
            assert self.line is not None
            self._doubt()
            self.outbox.detach()
            self.line.end()
            self.line = self.call = None
            await self._settle()

        self.runner.run(act())

    @rule()
    @precondition(lambda self: self.call is not None)
    def answer(self) -> None:
        async def act() -> None:
            call = self._take_call()
            call.succeed()
            await self._settle()

        self.runner.run(act())

    @rule(silent=st.booleans())
    @precondition(lambda self: self.call is not None)
    def fail(self, silent: bool) -> None:
        async def act() -> None:
            self._doubt()
            call = self._take_call()
            call.fail(TimedOut("silence") if silent else Refused("InternalError"))
            await self._settle()

        self.runner.run(act())

    @rule(seconds=st.sampled_from([1.0, 10.0, 25.0]))
    def wait(self, seconds: float) -> None:
        async def act() -> None:
            await self.clock.sleep(seconds)
            await self._settle()

        self.runner.run(act())

    @rule(slow=st.booleans())
    def disk_pace(self, slow: bool) -> None:
        async def act() -> None:
            self.disk.slow = slow
            if not slow:
                self.disk.commit()
            await self._settle()

        self.runner.run(act())

    @rule()
    def kill(self) -> None:
        """The power fails. What was told but not yet on disk is gone; it had not left either."""

        async def act() -> None:
            self._doubt()
            pump = self.outbox._pump
            on_disk = self.disk.sequences()
            gone = _waiting(self.outbox) - on_disk
            assert not gone & set(self.heard), "sent, and forgotten by a restart"
            self.lost |= gone
            # Answered, but its removal never reached the disk: it will be told again.
            self.uncertain |= on_disk
            if pump is not None:
                pump.cancel()
                await asyncio.wait((pump,))
            self.line = self.call = None
            self.disk = self.disk.after_a_kill()
            await self._begin()

        self.runner.run(act())

    def _doubt(self) -> None:
        if self.call is not None:
            self.uncertain.add(self.call.fact.sequence)

    def _take_call(self) -> Call:
        assert self.call is not None
        call, self.call = self.call, None
        return call

    @invariant()
    def in_order_and_doubled_only_in_doubt(self) -> None:
        first = list(dict.fromkeys(self.heard))
        assert first == sorted(first), "out of order"
        doubled = {sequence for sequence in self.heard if self.heard.count(sequence) > 1}
        assert doubled <= self.uncertain, "doubled although the CSMS had answered"

    @invariant()
    def nothing_is_missing(self) -> None:
        accounted = _waiting(self.outbox) | set(self.answered) | self.given_up | self.thinned | self.lost
        assert accounted == set(self.told)
        assert not self.thinned & set(self.answered)

    def teardown(self) -> None:
        async def act() -> None:
            """With a CSMS that answers, everything that is still there arrives."""
            waiting = _waiting(self.outbox)
            self.disk.slow = False
            self.disk.commit()
            if self.line is None:
                self.line = FakeLine()
                self.outbox.attach(self.line)
                self.outbox.registration = Registration.ACCEPTED
            for _ in range(200):
                await self._settle()
                if self.call is not None:
                    self._take_call().succeed()
                elif not self.outbox.queued:
                    break
                else:
                    await self.clock.sleep(10)
            assert self.outbox.queued == 0
            assert waiting <= set(self.answered)
            await self.disk.committed()
            assert self.disk.kept == {}
            await self.outbox.stop()

        try:
            self.runner.run(act())
        finally:
            self.runner.close()


def _waiting(outbox: StationOutbox) -> set[int]:
    queue: KeptQueue = outbox._transactions
    return {item.fact.sequence for item in queue if isinstance(item.fact, TransactionFact)}


Queue.TestCase.settings = settings(
    max_examples=120, stateful_step_count=40, deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
TestQueue = Queue.TestCase
