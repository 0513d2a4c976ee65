"""Page views, sign-ups and confirmations beside bare endpoints with the same I/O, without and with a busy worker."""

from __future__ import annotations

import statistics
from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime
from functools import partial

from sqlalchemy import func, select, text, update

from bench.support.client import Load, Request, get, load, post, sign_up
from bench.support.report import Row
from bench.support.site import BenchSite, bench_sites, serve_both
from campaign.domain.outbox.mail_kind import MailKind
from campaign.domain.outbox.mail_state import MailState
from campaign.domain.signing.token import Purpose
from campaign.models import Mail
from campaign.platform import db
from campaign.platform.database.transaction import transaction
from campaign.platform.runtime import runtime
from tests.deploy.processes import flask, free_port

SECONDS = 3.0
ROUNDS = 3
WAITING = 60_000
VIEWS, WRITES, TAIL = 0.7, 0.4, 5.0
SENT = 1.0  # the worker must send all mails, else it would be no load


def measure_suite() -> list[Row]:
    """Return all rows, on both databases."""
    rows = []
    with bench_sites("web") as sites:
        for bench_site in sites:
            bench_site.make(WAITING)
            tokens = _tokens(bench_site)
            pending, answered = len(tokens), Counter[str]()
            with serve_both(bench_site) as ports:
                rows += _measure(bench_site, ports, tokens, "", answered, lambda: None)
            expected, sent = answered.total(), _sent(bench_site)
            sink = free_port()
            other_commands = [["bench.support.sink", str(sink)], ["flask", "worker"]]
            with serve_both(bench_site, *other_commands, TOCSIN_MAIL_URL=f"smtp://127.0.0.1:{sink}") as ports:
                rows += _measure(
                    bench_site, ports, tokens, ", worker sending", answered, partial(_queue_again, bench_site)
                )
            expected, sent = answered.total() - expected, _sent(bench_site) - sent
            rows.append(
                Row(bench_site.kind, "mails sent meanwhile, of those owed", sent, expected, "", sent / expected, SENT)
            )
            _check(bench_site, answered, pending=pending)
    return rows


def _queue_again(bench_site: BenchSite) -> None:
    """Queue the thank-you mails of all confirmed signers again.

    The bare server enqueues no mail, but the worker must be as busy beside it as beside the application.
    """
    with bench_site.app().app_context():
        mailed = Mail.state == MailState.SENT, Mail.kind == MailKind.CONFIRMED
        with transaction() as session:
            session.connection().execute(update(Mail).where(*mailed).values(state=MailState.QUEUED.value))
        db.session.remove()
        db.engine.dispose()


def _sent(bench_site: BenchSite) -> int:
    """Return the number of attempts to send a mail."""
    with bench_site.app().app_context():
        attempts: int = db.session.execute(select(func.sum(Mail.attempts))).scalar_one()
        db.session.remove()
        db.engine.dispose()
    return attempts


def _tokens(bench_site: BenchSite) -> list[str]:
    """Return a confirmation token for each unconfirmed sign-up."""
    with bench_site.app().app_context():
        rows = db.session.execute(text("SELECT id, link_key, content_digest FROM sign_up ORDER BY id")).all()
        make, now = runtime().tokens.make, datetime.now(UTC)
        tokens = [make(Purpose.CONFIRM, row.id, now, bytes(row[1]), bytes(row[2])) for row in rows]
        db.session.remove()
        db.engine.dispose()
    return tokens


def _measure(
    bench_site: BenchSite,
    ports: tuple[int, int],
    tokens: list[str],
    suffix: str,
    answered: Counter[str],
    prepare: Callable[[], None],
) -> list[Row]:
    run = f"{bench_site.kind}{len(tokens)}{'w' if suffix else ''}"
    bare_form = sign_up("/sign", "bare")

    def confirm(_turn: int) -> Request:
        batch = [tokens.pop() for _ in range(min(len(tokens), int(SECONDS * 1500)))]
        return post(lambda number: f"/en/s/{batch[number]}", lambda _: {})

    kinds: list[tuple[str, Callable[[int], Request], Request, int, float]] = [
        ("appeal page", lambda _: get("/en/appeals/case-0"), get("/hello"), 200, VIEWS),
        ("counts API", lambda _: get("/api/v1/appeals/case-0"), get("/hello-small"), 200, VIEWS),
        ("sign-up", lambda turn: sign_up("/en/appeals/case-0/sign", f"{run}{turn}"), bare_form, 303, WRITES),
        ("confirm", confirm, bare_form, 303, WRITES),
    ]
    rows = []
    for what, request_of, bare_request, expected_status, limit in kinds:
        pairs = []
        prepare()
        for turn in range(ROUNDS):
            max_requests = min(len(tokens), int(SECONDS * 1500)) if what == "confirm" else None
            result = load(ports[0], request_of(turn), expected_status, seconds=SECONDS, max_requests=max_requests)
            if expected_status == 303:
                answered[what] += result.answered
            pairs.append((result, load(ports[1], bare_request, expected_status, seconds=SECONDS)))
        rows.append(_row(bench_site, what + suffix, pairs, "per_second", "1/s", limit))
        if expected_status == 303:
            rows.append(_row(bench_site, f"{what}{suffix}, p99", pairs, "p99_ms", "ms", TAIL, is_ceiling=True))
    return rows


def _row(
    bench_site: BenchSite, what: str, pairs: list[tuple[Load, Load]], figure: str, unit: str, limit: float, **more: bool
) -> Row:
    values = [getattr(load, figure) for load, _ in pairs]
    bare_values = [getattr(load, figure) for _, load in pairs]
    ratio = statistics.median(load / other for load, other in zip(values, bare_values, strict=True))
    return Row(
        bench_site.kind, what, statistics.median(values), statistics.median(bare_values), unit, ratio, limit, **more
    )


_COUNTED = text(
    "SELECT count(*), count(CASE WHEN id IN (SELECT signature_id FROM consent)"
    " AND id IN (SELECT signature_id FROM mail) THEN 1 END),"
    " (SELECT count(*) FROM sign_up), (SELECT count(*) FROM sign_up WHERE signature_id IS NULL)"
    " FROM signature"
)


def _check(bench_site: BenchSite, answered: Counter[str], *, pending: int) -> None:
    """Check that each answered sign-up and confirmation is stored.

    Each confirmation is a signature with its consent and its mail, and the counts are exact.
    """
    with bench_site.app().app_context():
        signatures, complete, forms, waiting = db.session.execute(_COUNTED).one()
        db.session.remove()
        db.engine.dispose()
    signed, confirmed = answered["sign-up"], answered["confirm"]
    if forms != pending + signed:
        raise SystemExit(f"bench: {pending} + {signed} were signed; there are {forms}")
    if not signatures == complete == WAITING - pending + confirmed or waiting != forms - confirmed:
        found = f"there are {signatures}, {complete} whole, and {waiting} of {forms} wait"
        raise SystemExit(f"bench: {WAITING - pending} + {confirmed} were confirmed; {found}")
    flask(bench_site.environ(), "tally", "verify")
