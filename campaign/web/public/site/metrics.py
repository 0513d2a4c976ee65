"""Metrics for Prometheus about outbox, workers, appeals and counts, for private addresses or with the key."""

from __future__ import annotations

import hmac
import ipaddress
import threading
import time
from collections.abc import Iterable, Iterator

from flask import Blueprint, Response, current_app, request
from prometheus_client import CollectorRegistry
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.exposition import CONTENT_TYPE_LATEST, generate_latest
from prometheus_client.registry import Collector

from campaign.platform.runtime import runtime
from campaign.queries.counting.measures import measures
from campaign.queries.delivery.mail_status import outbox_status
from campaign.queries.delivery.worker import workers_view
from campaign.web.http.proxies import FORWARDED_HEADERS

blueprint = Blueprint("metrics", __name__)
# Counting millions of mails is slow, so a scrape within this time gets the same metrics again.
_MAX_AGE_SECONDS = 10.0


class MetricsCache:
    """The metrics of one application, computed at most every ten seconds."""

    def __init__(self) -> None:
        """Start without metrics."""
        self._lock = threading.Lock()
        self._until = 0.0
        self._text = b""

    def text(self) -> bytes:
        """Return the metrics, computed by one thread while the others wait for it."""
        with self._lock:
            if time.monotonic() >= self._until:
                registry = CollectorRegistry()
                registry.register(_CampaignCollector())
                self._text = generate_latest(registry)
                self._until = time.monotonic() + _MAX_AGE_SECONDS
            return self._text


class _CampaignCollector(Collector):
    """A collector that reads everything from the database, so that each process answers the same."""

    def describe(self) -> Iterable[Metric]:
        """Return nothing: the metrics are not known in advance."""
        return ()

    def collect(self) -> Iterator[Metric]:
        """Yield the metrics."""
        outbox, campaign, workers = outbox_status(), measures(), workers_view()
        yield _gauge("tocsin_mails", "Mails in the outbox", ("state",), outbox.by_state.items())
        yield GaugeMetricFamily(
            "tocsin_mail_oldest_due_seconds", "Age of the oldest mail that is due", value=outbox.oldest_due_seconds
        )
        is_paused = 0 if outbox.pause is None else 1
        yield GaugeMetricFamily(
            "tocsin_mail_held", "1 while the mail server refuses us and nothing is sent", value=is_paused
        )
        yield GaugeMetricFamily("tocsin_workers", "Workers that get their work done", value=workers.working)
        yield GaugeMetricFamily(
            "tocsin_workers_troubled", "Of these, those that say what they cannot do", value=workers.troubled
        )
        yield GaugeMetricFamily(
            "tocsin_worker_failures", "Errors of ours in workers within a day", value=workers.failures
        )
        if workers.seconds_since_done is not None:
            yield GaugeMetricFamily(
                "tocsin_worker_done_seconds",
                "Since any worker last got its work done",
                value=workers.seconds_since_done,
            )
        yield _gauge("tocsin_appeals", "Appeals", ("state",), campaign.appeals.items())
        yield _gauge("tocsin_signatures", "Signatures", ("state",), campaign.signatures.items())
        yield _gauge("tocsin_actions", "Counted actions", ("channel", "evidence"), campaign.actions.items())


def _gauge(
    name: str, meaning: str, labels: tuple[str, ...], values: Iterable[tuple[str | tuple[str, ...], int]]
) -> GaugeMetricFamily:
    """Return a gauge with one value for each combination of label values."""
    family = GaugeMetricFamily(name, meaning, labels=labels)
    for key, value in sorted(values):
        family.add_metric((key,) if isinstance(key, str) else key, value)
    return family


@blueprint.get("/metrics")
def metrics() -> Response:
    """Return the metrics as text; 403 without a private address or the key."""
    if not (_has_key() or _is_private()):
        return Response("only to a private address, or with TOCSIN_METRICS_KEY\n", 403, content_type="text/plain")
    cache: MetricsCache = current_app.extensions["tocsin_metrics"]
    return Response(cache.text(), content_type=CONTENT_TYPE_LATEST)


def _has_key() -> bool:
    """Return whether the request carries the key of TOCSIN_METRICS_KEY."""
    key = runtime().settings.metrics_key
    sent_key = request.headers.get("Authorization", "").removeprefix("Bearer ")
    return key is not None and hmac.compare_digest(sent_key.encode(), key.encode())


def _is_private() -> bool:
    """Return whether the request comes from a private address.

    Behind a proxy that TOCSIN_PROXIES does not count, every client seems to have a private address. So a forwarded
    request is refused there.
    """
    if runtime().settings.proxies == 0 and any(name in request.headers for name in FORWARDED_HEADERS):
        return False
    try:
        address = ipaddress.ip_address(request.remote_addr or "")
    except ValueError:
        return False
    return address.is_private
