"""What Prometheus may know, read when it asks.

The parts count in plain integers of their own; sources turn them into metrics at the moment of a scrape, so that
counting costs the hot path an addition and nothing else.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from itertools import accumulate

from prometheus_client import CollectorRegistry, GCCollector, PlatformCollector, ProcessCollector
from prometheus_client.exposition import CONTENT_TYPE_LATEST, generate_latest
from prometheus_client.metrics_core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily, Metric
from prometheus_client.registry import Collector

__all__ = ["CONTENT_TYPE", "Labelled", "Metrics", "Source", "counter", "gauge", "histogram"]

CONTENT_TYPE = CONTENT_TYPE_LATEST

Source = Callable[[], Iterable[Metric]]
"""Reads one part's figures now."""

Labelled = Mapping[tuple[str, ...], float]
"""Values by the labels' values."""


class Metrics:
    """All figures of the process."""

    def __init__(self, sources: Iterable[Source]) -> None:
        self._registry = CollectorRegistry(auto_describe=False)
        ProcessCollector(registry=self._registry)
        PlatformCollector(registry=self._registry)
        GCCollector(registry=self._registry)
        self._registry.register(_Sources(list(sources)))

    def text(self) -> bytes:
        """The figures in the text format of Prometheus."""
        return generate_latest(self._registry)


class _Sources(Collector):
    def __init__(self, sources: list[Source]) -> None:
        self._sources = sources

    def collect(self) -> Iterable[Metric]:
        for source in self._sources:
            yield from source()


def counter(name: str, text: str, value: float | Labelled, labels: tuple[str, ...] = ()) -> Metric:
    """A figure that only grows. Names end without ``_total``, which Prometheus adds."""
    return _filled(CounterMetricFamily(name, text, labels=labels), value)


def gauge(name: str, text: str, value: float | Labelled, labels: tuple[str, ...] = ()) -> Metric:
    """A figure that goes up and down."""
    return _filled(GaugeMetricFamily(name, text, labels=labels), value)


def histogram(name: str, text: str, bounds: Sequence[float], counts: Sequence[int], total: float) -> Metric:
    """A distribution. ``counts`` are those of each bucket alone: one for each bound, then one for what was larger."""
    buckets = [*(f"{bound:g}" for bound in bounds), "+Inf"]
    return HistogramMetricFamily(name, text, list(zip(buckets, accumulate(counts), strict=True)), total)


def _filled(family: CounterMetricFamily | GaugeMetricFamily, value: float | Labelled) -> Metric:
    if isinstance(value, Mapping):
        for labels, each in value.items():
            family.add_metric(labels, each)
    else:
        family.add_metric((), value)
    return family
