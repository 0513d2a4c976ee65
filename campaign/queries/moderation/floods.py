"""Recent sign-ups, for the detection of floods: the share that is not confirmed, and the sections concerned."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import func, select

from campaign.domain.counting.action import Evidence
from campaign.domain.counting.channel import Channel
from campaign.domain.outbox.mail_state import SMTPUTF8_ALERT
from campaign.models import AbuseAlert, SignUp, TallyHour
from campaign.models.abuse.abuse import ALL_APPEALS
from campaign.platform import db

# Signers of the last minutes are left out, because they may not have received their mail yet.
MAIL_DELAY = timedelta(minutes=15)
WINDOW = timedelta(hours=2)
DAY = timedelta(days=1)
# The number of sign-ups examined; more would not change the result.
_EXAMINED_ROWS = 5000


@dataclass(frozen=True, slots=True)
class RecentSignUps:
    """The number of unconfirmed sign-ups of the last two hours, and of confirmations in that time."""

    unconfirmed: int
    confirmed: int

    @property
    def share(self) -> float:
        """Return the share of unconfirmed sign-ups, from 0 to 1."""
        return self.unconfirmed / max(1, self.unconfirmed + self.confirmed)


def recent_sign_ups(now: datetime) -> RecentSignUps:
    """Return the unconfirmed and confirmed sign-ups of all appeals. An index serves both queries."""
    waiting = (
        select(SignUp.id)
        .where(SignUp.signature_id.is_(None), SignUp.signed_at.between(now - WINDOW, now - MAIL_DELAY))
        .limit(_EXAMINED_ROWS)
    )
    unconfirmed = db.session.execute(select(func.count()).select_from(waiting.subquery())).scalar_one()
    confirmed = db.session.execute(
        select(func.coalesce(func.sum(TallyHour.quantity), 0)).where(
            TallyHour.hour >= (now - WINDOW).replace(minute=0, second=0, microsecond=0),
            TallyHour.channel == Channel.SIGNATURE,
            TallyHour.evidence == Evidence.VERIFIED,
        )
    ).scalar_one()
    return RecentSignUps(int(unconfirmed), int(confirmed))


def is_server_ascii_only(now: datetime) -> bool:
    """Return whether the mail server refused an address with non-ASCII characters before the @ within a day."""
    refused = select(AbuseAlert.raised_at).where(
        AbuseAlert.kind == SMTPUTF8_ALERT, AbuseAlert.appeal_id == ALL_APPEALS, AbuseAlert.window_at > now - DAY
    )
    return db.session.execute(refused.limit(1)).first() is not None


def sections_with_sign_ups(appeal_id: int | None, now: datetime) -> frozenset[str]:
    """Return the sections of the newest sign-ups of the last two hours, for one appeal or for all."""
    newest = (
        select(SignUp.appeal_id, SignUp.section_code)
        .where(SignUp.signed_at > now - WINDOW)
        .order_by(SignUp.signed_at.desc())
        .limit(_EXAMINED_ROWS)
        .subquery()
    )
    query = select(newest.c.section_code).distinct()
    if appeal_id is not None:
        query = query.where(newest.c.appeal_id == appeal_id)
    return frozenset(db.session.scalars(query))


def sections_with_reports(appeal_id: int, now: datetime) -> frozenset[str]:
    """Return the sections in which actions were reported for the appeal within the last two hours."""
    query = select(TallyHour.section_code).where(
        TallyHour.appeal_id == appeal_id,
        TallyHour.hour >= (now - WINDOW).replace(minute=0, second=0, microsecond=0),
        TallyHour.evidence == Evidence.REPORTED,
    )
    return frozenset(db.session.scalars(query.distinct()))
