"""Boots: what a BootNotification is answered, and what the CSMS asks after it (2.0.1 B01 to B03, 1.6 4.2).

The answer is the operator's decision about the station. Anything else a station sends is taken by what the last boot
on its connection was answered, or, while it has not booted there (a reconnection needs no boot, OCPP-J 5.4), by that
same decision. Adopting a station therefore changes nothing until it boots; to spare it the wait it is asked to boot.

A boot leaves open transactions alone: a station that lost power reports their end after it has booted.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial

import structlog

from voltbridge.csms.blocks.b_provisioning.ports import Calls, Questions
from voltbridge.csms.events import EventLog
from voltbridge.csms.journal import Journal
from voltbridge.domain.clock import Clock
from voltbridge.domain.station_calls import CallFailed
from voltbridge.domain.stations import AfterBoot, LiveStation, RegistrationStatus
from voltbridge.domain.transactions import TransactionState
from voltbridge.protocol.structs import Payload
from voltbridge.protocol.versions import Version

__all__ = ["BootAnswer", "BootDesk", "BootPolicy", "BootReport", "Reaction"]

_log = structlog.stdlib.get_logger(__name__)

Reaction = Callable[[LiveStation], Awaitable[None]]
"""Runs once the answer to a boot has left."""


@dataclass(frozen=True, slots=True)
class BootPolicy:
    """How boots are answered where the operator set nothing for the station itself; intervals in seconds."""

    heartbeat_interval_s: int = 300
    retry_interval_s: int = 60
    """How long a station that is not accepted waits before it boots again."""
    after_boot: AfterBoot = AfterBoot.NONE
    trigger_boot_on_adoption: bool = True
    """Whether a connected station that was answered Pending is asked to boot as soon as it is adopted."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BootReport:
    """What a BootNotification tells. It is the whole truth: what it leaves out is no longer known."""

    vendor: str
    model: str
    serial_number: str | None = None
    firmware_version: str | None = None
    iccid: str | None = None
    imsi: str | None = None
    meter_type: str | None = None
    meter_serial_number: str | None = None
    boot_reason: str | None = None


@dataclass(frozen=True, slots=True)
class BootAnswer:
    """What a BootNotification is answered."""

    status: RegistrationStatus
    interval_s: int
    """Between heartbeats when accepted, else until the next boot."""
    current_time: datetime


class BootDesk:
    """Answers boots. ``questions`` has for each version how to ask what follows them."""

    def __init__(
        self,
        journal: Journal,
        events: EventLog,
        calls: Calls,
        clock: Clock,
        policy: BootPolicy,
        questions: Mapping[Version, Questions],
    ) -> None:
        self._journal = journal
        self._events = events
        self._calls = calls
        self._clock = clock
        self._policy = policy
        self._questions = questions
        self._reactions: list[Reaction] = []
        self._probe: Reaction | None = None

    def on_boot(self, react: Reaction) -> None:
        """Have ``react`` run after every boot that was answered Accepted or Pending."""
        self._reactions.append(react)

    def probe_by(self, react: Reaction) -> None:
        """Have ``react`` ask for the device model after an accepted boot, where the policy wants that."""
        self._probe = react

    def boot(self, live: LiveStation, said: BootReport) -> BootAnswer:
        """Record what the station says of itself, and decide."""
        now = self._clock.now()
        before, answered_before = live.report, live.registered
        status = live.settings.registration
        live.registered = status
        live.last_seen_at = now
        live.report = replace(
            before,
            vendor=said.vendor,
            model=said.model,
            serial_number=said.serial_number,
            firmware_version=said.firmware_version,
            iccid=said.iccid,
            imsi=said.imsi,
            meter_type=said.meter_type,
            meter_serial_number=said.meter_serial_number,
            boot_reason=said.boot_reason,
            last_boot_at=now,
            last_seen_at=now,
        )
        self._journal.put(live.report)
        accepted = status is RegistrationStatus.ACCEPTED
        # A station that waits boots once a minute, perhaps for weeks: only what is new about it is an event.
        known = replace(live.report, last_boot_at=before.last_boot_at, last_seen_at=before.last_seen_at) == before
        if accepted or status is not answered_before or not known or before.last_boot_at is None:
            self._tell(live)
        if status is not RegistrationStatus.REJECTED:
            # While it waits a station may be configured (B02.FR.01); one that was turned down is left alone.
            live.followups.extend(partial(react, live) for react in self._reactions)
        if accepted and self._policy.after_boot is not AfterBoot.NONE:
            live.followups.append(lambda: self._ask(live, self._policy.after_boot))
        interval_s = self._policy.retry_interval_s
        if accepted:
            interval_s = live.settings.heartbeat_interval_s or self._policy.heartbeat_interval_s
        return BootAnswer(status, interval_s, now)

    async def adopted(self, live: LiveStation) -> None:
        """Ask a station to boot that may be accepted by now but was last answered Pending.

        One that was answered Rejected is left alone (B03.FR.03), and so is one that is accepted already (1.6 errata
        3.40, 2.0.1 F06.FR.17).
        """
        may_be = live.settings.registration is RegistrationStatus.ACCEPTED
        if may_be and live.registered is RegistrationStatus.PENDING and self._policy.trigger_boot_on_adoption:
            version, questions = self._spoken(live)
            await self._call(live, version, questions.trigger_boot())

    def _tell(self, live: LiveStation) -> None:
        report = live.report
        self._events.emit(
            "station.boot",
            live.station_id,
            status=live.registered.value,
            protocol=report.protocol,
            vendor=report.vendor,
            model=report.model,
            serial_number=report.serial_number,
            firmware_version=report.firmware_version,
            boot_reason=report.boot_reason,
            open_transactions=[
                transaction.transaction_id
                for transaction in live.transactions.values()
                if transaction.state is TransactionState.ACTIVE
            ],
        )

    async def _ask(self, live: LiveStation, what: AfterBoot) -> None:
        if what is AfterBoot.STATUS:
            version, questions = self._spoken(live)
            for request in questions.trigger_status(sorted(live.connectors)):
                await self._call(live, version, request)
        elif self._probe is not None:
            await self._probe(live)

    def _spoken(self, live: LiveStation) -> tuple[Version, Questions]:
        version = Version(live.report.protocol or "")
        return version, self._questions[version]

    async def _call(self, live: LiveStation, version: Version, request: Payload) -> Payload | None:
        """The answer, or None when there is none to be had: nothing depends on it."""
        try:
            return await self._calls.call(live, version, request)
        except CallFailed as failure:
            action = type(request).__name__.removesuffix("Request")
            _log.info(
                "a question after a boot was not answered", station=live.station_id, action=action, why=str(failure)
            )
            return None
