"""Numbers about the platform, as Prometheus reads them."""

from typing import Final

from prometheus_client import CollectorRegistry, Counter, Histogram, generate_latest

MEDIA_TYPE: Final = "text/plain; version=0.0.4; charset=utf-8"
_BUCKETS_S: Final = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10)
_METHODS: Final = frozenset({"GET", "HEAD", "PUT", "POST", "DELETE", "OPTIONS", "PATCH"})


class PlatformMetrics:
    """Counts what is asked; its labels are known words only."""

    def __init__(self) -> None:
        self._registry = CollectorRegistry()
        self._requests = Counter(
            "platform_http_requests",
            "HTTP requests, by method and status",
            ("method", "status"),
            registry=self._registry,
        )
        self._seconds = Histogram(
            "platform_http_request_seconds",
            "Time until the answer to an HTTP request begins",
            registry=self._registry,
            buckets=_BUCKETS_S,
        )
        self._log_ins = Counter(
            "platform_log_ins", "Tries to log in", ("result",), registry=self._registry
        )

    def count(self, method: str, status: int, took_s: float) -> None:
        """Count a request.

        Args:
            method: of HTTP; one that is not known counts as such.
            status: of its answer.
            took_s: until its answer began.
        """
        self._requests.labels(method if method in _METHODS else "other", str(status)).inc()
        self._seconds.observe(took_s)

    def count_log_in(self, result: str) -> None:
        """Count a try to log in.

        Args:
            result: ``done``, ``refused`` or ``too-often``.
        """
        self._log_ins.labels(result).inc()

    def write(self) -> bytes:
        """All numbers, as text."""
        return generate_latest(self._registry)
