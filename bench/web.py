"""Page views, sign-ups and confirmations beside bare endpoints that do the same I/O; alone and beside a worker."""

from __future__ import annotations

import statistics
from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime
from functools import partial

from sqlalchemy import func, select, text, update

from bench.support.client import Ask, Load, get, load, post, sign_up
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
SENT = 1.0  # a worker that stands still is no load


def measure_suite() -> list[Row]:
    """Return all rows, on both databases."""
    rows = []
    with bench_sites("web") as found:
        for place in found:
            place.make(WAITING)
            tokens = _tokens(place)
            pending, answered = len(tokens), Counter[str]()
            with serve_both(place) as ports:
                rows += _measure(place, ports, tokens, "", answered, lambda: None)
            owed, sent = answered.total(), _sent(place)
            sink = free_port()
            beside = [["bench.support.sink", str(sink)], ["flask", "worker"]]
            with serve_both(place, *beside, TOCSIN_MAIL_URL=f"smtp://127.0.0.1:{sink}") as ports:
                rows += _measure(place, ports, tokens, ", worker sending", answered, partial(_owe_again, place))
            owed, sent = answered.total() - owed, _sent(place) - sent
            rows.append(Row(place.kind, "mails sent meanwhile, of those owed", sent, owed, "", sent / owed, SENT))
            _check(place, answered, pending=pending)
    return rows


def _owe_again(place: BenchSite) -> None:
    """Owe thanks again to all who have confirmed.

    Nobody signs at the bare server, and the worker is to have as much to do beside it as beside the application.
    """
    with place.app().app_context():
        mailed = Mail.state == MailState.SENT, Mail.kind == MailKind.CONFIRMED
        with transaction() as session:
            session.connection().execute(update(Mail).where(*mailed).values(state=MailState.QUEUED.value))
        db.session.remove()
        db.engine.dispose()


def _sent(place: BenchSite) -> int:
    """Return how often a mail was sent."""
    with place.app().app_context():
        attempts: int = db.session.execute(select(func.sum(Mail.attempts))).scalar_one()
        db.session.remove()
        db.engine.dispose()
    return attempts


def _tokens(place: BenchSite) -> list[str]:
    """Return a link for each signature that waits to be confirmed."""
    with place.app().app_context():
        rows = db.session.execute(text("SELECT id, link_key, content_digest FROM sign_up ORDER BY id")).all()
        make, now = runtime().tokens.make, datetime.now(UTC)
        made = [make(Purpose.CONFIRM, one.id, now, bytes(one[1]), bytes(one[2])) for one in rows]
        db.session.remove()
        db.engine.dispose()
    return made


def _measure(
    place: BenchSite,
    ports: tuple[int, int],
    tokens: list[str],
    beside: str,
    answered: Counter[str],
    prepare: Callable[[], None],
) -> list[Row]:
    run = f"{place.kind}{len(tokens)}{'w' if beside else ''}"
    bare_form = sign_up("/sign", "bare")

    def confirm(_turn: int) -> Ask:
        mine = [tokens.pop() for _ in range(min(len(tokens), int(SECONDS * 1500)))]
        return post(lambda number: f"/en/s/{mine[number]}", lambda _: {})

    kinds: list[tuple[str, Callable[[int], Ask], Ask, int, float]] = [
        ("appeal page", lambda _: get("/en/appeals/case-0"), get("/hello"), 200, VIEWS),
        ("counts API", lambda _: get("/api/v1/appeals/case-0"), get("/hello-small"), 200, VIEWS),
        ("sign-up", lambda turn: sign_up("/en/appeals/case-0/sign", f"{run}{turn}"), bare_form, 303, WRITES),
        ("confirm", confirm, bare_form, 303, WRITES),
    ]
    rows = []
    for what, ours, bare, wanted, limit in kinds:
        pairs = []
        prepare()
        for turn in range(ROUNDS):
            most = min(len(tokens), int(SECONDS * 1500)) if what == "confirm" else None
            one = load(ports[0], ours(turn), wanted, seconds=SECONDS, most=most)
            if wanted == 303:
                answered[what] += one.answered
            pairs.append((one, load(ports[1], bare, wanted, seconds=SECONDS)))
        rows.append(_row(place, what + beside, pairs, "per_second", "1/s", limit))
        if wanted == 303:
            rows.append(_row(place, f"{what}{beside}, p99", pairs, "p99_ms", "ms", TAIL, is_ceiling=True))
    return rows


def _row(
    place: BenchSite, what: str, pairs: list[tuple[Load, Load]], figure: str, unit: str, limit: float, **more: bool
) -> Row:
    ours = [getattr(one, figure) for one, _ in pairs]
    bare = [getattr(one, figure) for _, one in pairs]
    ratio = statistics.median(one / other for one, other in zip(ours, bare, strict=True))
    return Row(place.kind, what, statistics.median(ours), statistics.median(bare), unit, ratio, limit, **more)


_COUNTED = text(
    "SELECT count(*), count(CASE WHEN id IN (SELECT signature_id FROM consent)"
    " AND id IN (SELECT signature_id FROM mail) THEN 1 END),"
    " (SELECT count(*) FROM sign_up), (SELECT count(*) FROM sign_up WHERE signature_id IS NULL)"
    " FROM signature"
)


def _check(place: BenchSite, answered: Counter[str], *, pending: int) -> None:
    """Check that each answered sign-up and confirmation is stored.

    Each confirmation is a signature with its consent and its mail, and the counts are exact.
    """
    with place.app().app_context():
        signatures, whole, forms, waiting = db.session.execute(_COUNTED).one()
        db.session.remove()
        db.engine.dispose()
    signed, confirmed = answered["sign-up"], answered["confirm"]
    if forms != pending + signed:
        raise SystemExit(f"bench: {pending} + {signed} were signed; there are {forms}")
    if not signatures == whole == WAITING - pending + confirmed or waiting != forms - confirmed:
        said = f"there are {signatures}, {whole} whole, and {waiting} of {forms} wait"
        raise SystemExit(f"bench: {WAITING - pending} + {confirmed} were confirmed; {said}")
    flask(place.environ(), "tally", "verify")
