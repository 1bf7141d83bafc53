"""What the server counts, for Prometheus.

In: requests, batches and answers as they happen. Out: the text of ``GET /metrics``. Each server has
a registry of its own, so that two in one process do not count together.
"""

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    ProcessCollector,
    generate_latest,
)

__all__ = ["CONTENT_TYPE", "Metrics"]

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
_SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60)
_TEXTS = (1, 2, 4, 8, 12, 16, 32, 64)


class Metrics:
    """Counters, histograms and gauges of one server. Mutable; threads may share it."""

    def __init__(self) -> None:
        own = self._registry = CollectorRegistry()
        ProcessCollector(registry=own)
        self.requests = Counter(
            "kvrm_grammar_requests", "Requests by route and status.", ("route", "status"),
            registry=own,
        )  # fmt: skip
        self.seconds = Histogram(
            "kvrm_grammar_request_seconds", "From the head of a request to its answer's end.",
            ("route",), buckets=_SECONDS, registry=own,
        )  # fmt: skip
        self.texts = Counter(
            "kvrm_grammar_texts", "Texts by model and what became of them.", ("model", "outcome"),
            registry=own,
        )  # fmt: skip
        self.batch = Histogram(
            "kvrm_grammar_batch_texts", "Texts of a batch.", buckets=_TEXTS, registry=own
        )
        self.queue = Gauge("kvrm_grammar_queue_texts", "Texts that wait.", registry=own)
        self.in_flight = Gauge(
            "kvrm_grammar_requests_in_flight", "Requests that are read or answered.", registry=own
        )
        self.ready = Gauge("kvrm_grammar_ready", "1 once the models are warm.", registry=own)

    def text(self) -> bytes:
        """All of it, in Prometheus' own format."""
        return generate_latest(self._registry)
