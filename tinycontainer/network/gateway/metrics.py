"""Numbers about the gateway, in the form of Prometheus. No label names a device or a holder."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, Final

from prometheus_client import CollectorRegistry, Counter, Histogram, generate_latest
from prometheus_client.core import GaugeMetricFamily

CONTENT_TYPE: Final = "text/plain; version=0.0.4; charset=utf-8"
_BUCKETS_S: Final = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30)


class Metrics:
    """Counts what is asked, and shows what is there.

    Args:
        gauges: name and description of what is looked up when somebody reads the metrics, with
            the label that its values have, and the function that gives them.
    """

    def __init__(
        self, gauges: Iterable[tuple[str, str, str, Callable[[], Mapping[str, float]]]]
    ) -> None:
        self._registry = CollectorRegistry()
        self._registry.register(_Gauges([*gauges]))
        self._requests = Counter(
            "gateway_http_requests",
            "HTTP requests, by method and status",
            ("method", "status"),
            registry=self._registry,
        )
        self._seconds = Histogram(
            "gateway_http_request_seconds",
            "Time until the answer to an HTTP request begins",
            registry=self._registry,
            buckets=_BUCKETS_S,
        )

    def count(self, method: str, status: int, took_s: float) -> None:
        """Count a request.

        Args:
            method: of HTTP; one that is not known counts as such.
            status: of its answer.
            took_s: until its answer began.
        """
        name = method if method in _METHODS else "other"
        self._requests.labels(name, str(status)).inc()
        self._seconds.observe(took_s)

    def write(self) -> bytes:
        """All numbers, as text."""
        return generate_latest(self._registry)


_METHODS: Final = frozenset({"GET", "HEAD", "PUT", "POST", "DELETE", "OPTIONS", "PATCH"})


class _Gauges:
    """Numbers that are looked up when they are read."""

    def __init__(
        self, gauges: list[tuple[str, str, str, Callable[[], Mapping[str, float]]]]
    ) -> None:
        self._gauges = gauges

    def collect(self) -> Iterator[Any]:
        for name, description, label, read in self._gauges:
            family = GaugeMetricFamily(name, description, labels=[label])
            for key, value in read().items():
                family.add_metric([key], value)
            yield family
