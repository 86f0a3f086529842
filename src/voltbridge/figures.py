"""Which figures the running CSMS has, and their names for Prometheus."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Protocol

from prometheus_client.metrics_core import Metric

from voltbridge.csms.event_stream import EventStream
from voltbridge.csms.gateway.counters import Counters
from voltbridge.csms.gateway.server_tls import ServerTls
from voltbridge.csms.webhooks.service import WebhookService
from voltbridge.domain.webhooks import WebhookState
from voltbridge.metrics import Source, counter, gauge, histogram
from voltbridge.protocol.versions import Version

__all__ = [
    "DurationFigures",
    "JournalFigures",
    "gateway_figures",
    "journal_figures",
    "stream_figures",
    "tls_figures",
    "webhook_figures",
]


class DurationFigures(Protocol):
    """How often something took how long."""

    total_s: float

    @property
    def bounds_s(self) -> Sequence[float]: ...

    @property
    def counts(self) -> Sequence[int]: ...


class JournalFigures(Protocol):
    """What the storage's journal counts."""

    commits: int
    retries: int
    facts_written: int
    facts_lost: int
    messages_dropped: int

    @property
    def commit_durations(self) -> DurationFigures: ...

    @property
    def depth(self) -> int: ...


def gateway_figures(counters: Counters) -> Source:
    """Connections and messages."""

    def read() -> Iterable[Metric]:
        yield gauge(
            "voltbridge_stations_connected", "Stations connected now.", _labels(counters.connected), ("version",)
        )
        yield counter("voltbridge_connections", "Connections accepted.", _labels(counters.connections), ("version",))
        yield counter(
            "voltbridge_connections_refused",
            "Connections refused before the upgrade.",
            {(str(status),): count for status, count in counters.refused_connections.items()},
            ("status",),
        )
        yield counter(
            "voltbridge_tls_handshakes",
            "TLS handshakes that succeeded.",
            {(version,): count for version, count in counters.tls_handshakes.items()},
            ("version",),
        )
        yield counter(
            "voltbridge_tls_handshakes_failed",
            "TLS handshakes that failed, by what was wrong.",
            {(reason,): count for reason, count in counters.tls_failures.items()},
            ("reason",),
        )
        yield counter(
            "voltbridge_connections_replaced",
            "Connections that took the place of an older one of the same station.",
            counters.replaced_connections,
        )
        yield counter(
            "voltbridge_connections_throttled",
            "Times a connection was held back because it brought too much at once.",
            counters.throttled,
        )
        for name, text, label, counts in (
            ("requests_received", "Requests of stations handed to a handler.", "action", counters.received),
            ("requests_refused", "Requests of stations answered with an error.", "code", counters.refused),
            ("frames_ignored", "Frames of stations that were dropped.", "reason", counters.ignored),
            ("calls_sent", "Requests sent to stations.", "action", counters.called),
            ("calls_failed", "Requests to stations that brought no response.", "reason", counters.call_failures),
        ):
            yield counter(f"voltbridge_{name}", text, _nested(counts), ("version", label))

    return read


def tls_figures(tls: ServerTls | None) -> Source:
    """Certificates of the stations' port, where it speaks TLS."""

    def read() -> Iterable[Metric]:
        if tls is not None:
            yield gauge(
                "voltbridge_tls_certificate_expiry_seconds",
                "Seconds until a certificate expires, by the kind of its key; negative when it has.",
                {(kind,): left_s for kind, left_s in tls.seconds_left().items()},
                ("key",),
            )

    return read


def journal_figures(journal: JournalFigures) -> Source:
    """Grouped commits."""

    def read() -> Iterable[Metric]:
        yield gauge("voltbridge_journal_depth", "Facts that wait to be committed.", journal.depth)
        yield counter("voltbridge_commits", "Database transactions committed.", journal.commits)
        took = journal.commit_durations
        yield histogram(
            "voltbridge_commit_seconds",
            "Seconds from handing a batch of facts to the database until it was durable.",
            took.bounds_s,
            took.counts,
            took.total_s,
        )
        yield counter("voltbridge_commit_retries", "Attempts to commit that failed.", journal.retries)
        yield counter("voltbridge_facts_committed", "Facts committed.", journal.facts_written)
        yield counter("voltbridge_facts_lost", "Facts given up; their stations were told.", journal.facts_lost)
        yield counter(
            "voltbridge_log_records_dropped",
            "Records of the message log that could not be kept.",
            journal.messages_dropped,
        )

    return read


def stream_figures(stream: EventStream) -> Source:
    """Readers of events."""

    def read() -> Iterable[Metric]:
        yield gauge("voltbridge_event_readers", "Readers of the event stream.", stream.readers)

    return read


def webhook_figures(webhooks: WebhookService) -> Source:
    """Deliveries to webhooks."""

    def read() -> Iterable[Metric]:
        states = webhooks.states()
        numbers = Counter(state for state, _ in states.values())
        yield gauge(
            "voltbridge_webhooks",
            "Webhooks by how they are doing.",
            {(state.value,): numbers[state] for state in WebhookState},
            ("state",),
        )
        yield gauge(
            "voltbridge_webhook_lag_seconds",
            "Age of the event that a webhook is at; 0 when nothing waits.",
            {(str(id),): lag_s for id, (_, lag_s) in states.items()},
            ("webhook",),
        )
        yield counter(
            "voltbridge_webhook_attempts",
            "Messages sent to webhooks by what came of it.",
            {(result,): count for result, count in webhooks.tally.attempts.items()},
            ("result",),
        )
        yield counter(
            "voltbridge_webhook_events",
            "Events that webhooks are done with, by what became of them.",
            {(state,): count for state, count in webhooks.tally.events.items()},
            ("state",),
        )

    return read


def _labels(counts: Mapping[Version, int]) -> dict[tuple[str, ...], float]:
    return {(version.label,): count for version, count in counts.items()}


def _nested(counts: Mapping[Version, Counter[str]]) -> dict[tuple[str, ...], float]:
    return {(version.label, name): n for version, names in counts.items() for name, n in names.items()}
