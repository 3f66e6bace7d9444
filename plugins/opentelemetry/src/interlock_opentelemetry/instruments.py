"""The instruments of a meter, made from the list of names."""

from collections.abc import Callable, Iterable

from opentelemetry.metrics import CallbackOptions, Counter, Histogram, Meter, Observation

from interlock_opentelemetry.names import METRICS, Kind, Metric

SECONDS = (0.0001, 0.0005, 0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1.0, 5.0, 10.0)
EVENTS = (0, 1, 5, 10, 25, 50, 100, 250, 500, 1_000, 5_000, 10_000)
"""The boundaries of buckets, unless a view of the application says something else."""


class Instruments:
    """An instrument for each metric; gauges are asked for when they are exported."""

    def __init__(
        self, meter: Meter, observe: Callable[[CallbackOptions], Iterable[Observation]]
    ) -> None:
        self._histograms: dict[str, Histogram] = {}
        self._counters: dict[str, Counter] = {}
        for metric in METRICS:
            given = (metric.name, metric.unit, metric.description)
            match metric.kind:
                case Kind.HISTOGRAM:
                    self._histograms[metric.name] = meter.create_histogram(
                        *given,
                        explicit_bucket_boundaries_advisory=(
                            SECONDS if metric.unit == "s" else EVENTS
                        ),
                    )
                case Kind.COUNTER:
                    self._counters[metric.name] = meter.create_counter(*given)
                case Kind.GAUGE:
                    name, unit, description = given
                    meter.create_observable_gauge(name, [observe], unit, description)

    def histogram(self, metric: Metric) -> Histogram:
        """The histogram of the metric."""
        return self._histograms[metric.name]

    def counter(self, metric: Metric) -> Counter:
        """The counter of the metric."""
        return self._counters[metric.name]
