"""What the server counts and measures, in the text format of Prometheus."""

from __future__ import annotations

from collections.abc import Callable

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

# Why a stream of speech broke off, and what the log says of it.
LEFT, STOPPING, FAILED = "client_left", "server_stopping", "failed"
BROKEN = {LEFT: "the client left", STOPPING: "cut by the end of the server", FAILED: "broken off by an error"}
_SECONDS = (0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 30)


class Metrics:
    """The metrics of one server; several servers in a process do not share them.

    active: how many requests the model has now, those that wait included.
    """

    def __init__(self, active: Callable[[], int]):
        self.registry = CollectorRegistry()
        self.requests = Counter(
            "nanospeech_requests", "HTTP requests", ("path", "status"), registry=self.registry
        )
        self.broken_streams = Counter(
            "nanospeech_broken_streams",
            "Streams of speech that began (their status is 200) and did not reach their end",
            ("reason",),
            registry=self.registry,
        )
        for reason in BROKEN:
            self.broken_streams.labels(reason)
        self.audio_seconds = Counter(
            "nanospeech_audio_seconds", "Seconds of speech generated", registry=self.registry
        )
        self.first_audio = Histogram(
            "nanospeech_first_audio_seconds",
            "From a request for speech to its first audio",
            buckets=_SECONDS,
            registry=self.registry,
        )
        Gauge(
            "nanospeech_active_jobs", "Requests in the model's thread", registry=self.registry
        ).set_function(active)

    def text(self) -> bytes:
        """All metrics."""
        return generate_latest(self.registry)
