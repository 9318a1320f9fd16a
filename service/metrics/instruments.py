"""Every metric: its name, its help, its labels, its buckets. docs/metrics.md explains them."""

from dataclasses import dataclass, fields
from typing import Self

from prometheus_client import CollectorRegistry, Gauge

from service.metrics.buffers import Counter, Histogram
from service.metrics.making import Maker

# From a request that is answered at once to one that takes as long as it may.
_REQUEST_SECONDS = (
    *(0.001, 0.002, 0.003, 0.005, 0.0075),
    *(0.01, 0.02, 0.03, 0.05, 0.075),
    *(0.1, 0.2, 0.3, 0.5, 0.75, 1.0, 2.0, 5.0, 10.0, 30.0),
)
_MICRO_BATCH_IMAGES = (1, 2, 4, 8, 16, 32, 64)
# Fine near 1: thresholds lie there, and a drift shows there first.
_CONFIDENCE = (
    *(0.2, 0.4, 0.6, 0.8, 0.9, 0.95, 0.98),
    *(0.99, 0.995, 0.998, 0.999, 0.9995, 0.9999, 0.99999, 1.0),
)


@dataclass(frozen=True)
class Instruments:
    """The metrics, each to be fed by `service.metrics.events.Metrics`."""

    requests: Counter
    request_seconds: Histogram
    requests_in_flight: Gauge
    rejected: Counter
    images: Counter
    reasons: Counter
    digits: Counter
    confidence: Histogram
    unreadable: Counter
    queue: Gauge
    queue_limit: Gauge
    queue_wait: Histogram
    micro_batch: Histogram
    decode: Histogram
    normalise: Histogram
    infer: Histogram
    model_info: Gauge
    models_loaded: Gauge
    models_failed: Gauge
    reloads: Counter
    feedback: Counter
    feedback_predictions: Counter
    feedback_failures: Counter
    build_info: Gauge
    workers: Gauge

    @classmethod
    def register(cls, registry: CollectorRegistry) -> Self:
        """Make them all, in `registry`."""
        make = Maker(registry)
        return cls(
            requests=make.counter("requests", "HTTP requests answered.", "method route status"),
            request_seconds=make.histogram(
                "request_duration_seconds",
                "Time from a request's head to the end of its answer.",
                "route",
                buckets=_REQUEST_SECONDS,
            ),
            requests_in_flight=make.gauge(
                "requests_in_flight", "HTTP requests that are not answered yet.", together="livesum"
            ),
            rejected=make.counter(
                "rejected", "HTTP requests answered with a problem, by its type.", "reason"
            ),
            images=make.counter(
                "images", "Images read, by the model and its decision.", "model decision"
            ),
            reasons=make.counter(
                "reasons", "Reasons to review an image; it may have several.", "model reason"
            ),
            digits=make.counter("digits", "Digits read, of fields one by one.", "model digit"),
            confidence=make.histogram(
                "confidence",
                "Confidence in what was read; images on which nothing was are left out.",
                "model",
                buckets=_CONFIDENCE,
            ),
            unreadable=make.counter(
                "unreadable_images", "Images that could not be read, by problem type.", "type"
            ),
            queue=make.gauge("queue_images", "Images in work or waiting.", together="livesum"),
            queue_limit=make.gauge(
                "queue_limit_images", "Images that the queues have room for.", together="livesum"
            ),
            queue_wait=make.histogram(
                "queue_wait_seconds",
                "Time in which nothing was done about a request's images.",
            ),
            micro_batch=make.histogram(
                "micro_batch_images",
                "Images that a model is given at once.",
                "model",
                buckets=_MICRO_BATCH_IMAGES,
            ),
            decode=make.histogram("decode_duration_seconds", "Time to decode an image file."),
            normalise=make.histogram(
                "normalise_duration_seconds",
                "Time to bring a picture to a model's form.",
            ),
            infer=make.histogram(
                "infer_duration_seconds", "Time that a model takes for a micro-batch.", "model"
            ),
            model_info=make.gauge(
                "model_info",
                "1 for every model that is served, with its version.",
                "model kind version default",
            ),
            models_loaded=make.gauge(
                "models_loaded", "Models that are served.", together="livemin"
            ),
            models_failed=make.gauge(
                "models_failed", "Models that are published, but could not be loaded."
            ),
            reloads=make.counter("reloads", "Reloads of the models, by outcome.", "outcome"),
            feedback=make.counter(
                "feedback",
                "Right answers given for what was read, by what had been decided.",
                "model decision outcome",
            ),
            feedback_predictions=make.counter(
                "feedback_predictions", "Predictions kept for feedback, or dropped.", "outcome"
            ),
            feedback_failures=make.counter(
                "feedback_database_failures",
                "Times that the feedback database could not be used.",
                "operation",
            ),
            build_info=make.gauge(
                "build_info",
                "1, with the versions of Numeral and of ONNX Runtime.",
                "version onnxruntime",
            ),
            workers=make.gauge("workers", "Processes that answer requests.", together="livesum"),
        )

    def flush(self) -> None:
        """Count all that was kept."""
        for field in fields(self):
            instrument = getattr(self, field.name)
            if isinstance(instrument, Counter | Histogram):
                instrument.flush()
