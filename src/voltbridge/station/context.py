"""What the services of one station share: its configuration, time, variables, its way to the CSMS and its tasks."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

import structlog

from voltbridge.domain.clock import Clock
from voltbridge.protocol.versions import Version
from voltbridge.station.answers import Answer, Registration
from voltbridge.station.configuration import StationConfiguration
from voltbridge.station.facts import Fact
from voltbridge.station.ports import StationHardware, Store

if TYPE_CHECKING:
    from voltbridge.station.device_model import DeviceModel
    from voltbridge.station.settings import StationSettings

__all__ = ["Context", "Handling", "Outbox", "Tasks", "on_disk"]


class Outbox(Protocol):
    """The way to the CSMS. ``station.outbox`` implements it."""

    registration: Registration
    """Set by block B; decides what may leave."""
    on_answer: Callable[[Fact, Answer | None], None]
    """Called with each answer to a fact that was told; None when its last attempt came to nothing."""

    on_unregistered: Callable[[], None] | None
    """Called when the CSMS turns out not to know this station any more."""

    @property
    def online(self) -> bool:
        """Connected, and registered as Accepted."""

    @property
    def connected(self) -> bool:
        """There is a connection."""

    @property
    def version(self) -> Version:
        """The version spoken now; without a connection the one spoken last, or else the first that is offered."""

    @property
    def queued(self) -> int:
        """How many transaction-related facts wait."""

    @property
    def full(self) -> bool:
        """The queue takes no more, so nothing should start that has to be told (DisallowChargingIfQueueFull)."""

    @property
    def last_exchange(self) -> float:
        """The monotonic second at which a message was last sent or answered."""

    def tell(self, fact: Fact, *, triggered: bool = False) -> None:
        """Say it when that is possible; transaction-related facts are kept until they are told.

        ``triggered``: the CSMS asked for it, so it may leave before registration is accepted (B02.FR.02).
        """

    async def ask(self, fact: Fact, *, triggered: bool = False) -> Answer:
        """Say it now and return the answer. Raises Unreachable, TimedOut or Refused."""

    def transactions_queued(self, key: str | None) -> bool:
        """Whether facts of this transaction wait to be told; None: of any (E14)."""

    async def idle(self) -> None:
        """Return when nothing waits to be told, or nothing can be told now."""


async def on_disk(store: Store, undo: Callable[[], None]) -> None:
    """Return when what was written is on disk. Raises OSError when it is not, and then it is undone.

    Whoever asked hears that it failed, so nothing may come of it later.
    """
    try:
        await store.committed()
    except OSError:
        undo()
        raise


class Tasks:
    """The tasks of one station; all end with it."""

    __slots__ = ("_running",)

    def __init__(self) -> None:
        self._running: set[asyncio.Task[None]] = set()

    def spawn(self, work: Coroutine[Any, Any, None], name: str) -> asyncio.Task[None]:
        """Run it beside everything else. What it raises is logged; the station goes on."""
        task = asyncio.get_running_loop().create_task(work, name=name)
        self._running.add(task)
        task.add_done_callback(self._done)
        return task

    async def cancel_all(self) -> None:
        """End all of them but the one that asks, and wait until they have ended."""
        others = [task for task in self._running if task is not asyncio.current_task()]
        for task in others:
            task.cancel()
        await asyncio.gather(*others, return_exceptions=True)

    def _done(self, task: asyncio.Task[None]) -> None:
        self._running.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            structlog.get_logger("voltbridge.station").error("a task failed", task=task.get_name(), exc_info=error)


@dataclass(slots=True)
class Context:
    """What the services of one station share."""

    configuration: StationConfiguration
    clock: Clock
    store: Store
    hardware: StationHardware
    outbox: Outbox
    device_model: DeviceModel
    settings: StationSettings
    tasks: Tasks = field(default_factory=Tasks)
    random: random.Random = field(default_factory=random.Random)

    @property
    def version(self) -> Version:
        """The version spoken now, or last."""
        return self.outbox.version


@dataclass(slots=True)
class Handling:
    """One message of the CSMS being handled."""

    version: Version
    after: list[Coroutine[Any, Any, None]] = field(default_factory=list)

    def after_answer(self, work: Coroutine[Any, Any, None]) -> None:
        """Do this once the answer has left, beside everything else."""
        self.after.append(work)
