"""The lifecycle of an appeal: review, publication, closing, stopping, outcome, continuation after the deadline."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from campaign.domain.appeals.appeal import AppealState, is_in_time
from campaign.domain.country import COUNTRIES
from campaign.domain.errors import ConflictError, FourEyesError, InputError, NotFoundError, StateError
from campaign.domain.sections.section import participating_sections
from campaign.domain.staff.roles import Permission
from campaign.domain.typed_text import unix_lines
from campaign.models import Appeal
from campaign.platform.context import Context
from campaign.platform.database.locks import NO_KEY_UPDATE
from campaign.platform.database.transaction import transaction
from campaign.queries.appeals.appeal import find_appeal_by_id
from campaign.queries.appeals.publish_blockers import PublishBlocker, publish_blockers
from campaign.queries.sections.section import list_sections
from campaign.services.appeals.access import audit_change, require_access
from campaign.services.appeals.confirmations import confirm_all
from campaign.services.appeals.review_notices import notify_of_return, notify_of_review_request

_MAX_OUTCOME_LENGTH = 20_000
_MAX_REASONS_LENGTH = 2_000


def request_review(slug: str, *, context: Context) -> None:
    """Request that a draft be reviewed and published, and enqueue a mail to those who may publish it.

    Repeating changes nothing. Raises NotFoundError, StateError (not a draft, something is missing, or a target or doubt
    is not confirmed).
    """
    with transaction() as session:
        appeal = find_locked(session, slug)
        require_access(context, appeal)
        _check_publishable(session, appeal, context)
        if appeal.review_requested_at is not None:
            return
        appeal.review_requested_at, appeal.review_requested_by = context.now, context.actor.staff_id
        audit_change(session, "appeal.ask", appeal, context=context)
        notify_of_review_request(session, appeal, context=context)


def return_for_changes(slug: str, reasons: str, *, context: Context) -> None:
    """Withdraw the actor's own request for review, or return another person's draft to them for changes.

    Only coordinators may return a draft; their reasons are mailed to the person who requested the review. Raises
    NotFoundError, StateError (no review was requested), InputError (`words`: too long).
    """
    reasons = reasons.replace("\x00", "").strip()
    if len(reasons) > _MAX_REASONS_LENGTH:
        raise InputError("words", "too-long", f"at most {_MAX_REASONS_LENGTH} characters, not {len(reasons)}")
    with transaction() as session:
        appeal = find_locked(session, slug)
        require_access(context, appeal)
        if appeal.state != AppealState.DRAFT or appeal.review_requested_at is None:
            raise StateError("no review was requested")
        is_own = context.actor.staff_id is not None and context.actor.staff_id == appeal.review_requested_by
        if not is_own:
            require_access(context, appeal, Permission.COORDINATE)
            notify_of_return(session, appeal, appeal.review_requested_by, reasons, context=context)
        appeal.review_requested_at = appeal.review_requested_by = None
        audit_change(session, "appeal.send-back", appeal, context=context, reason=reasons or None)


def publish(slug: str, *, context: Context, revision: int | None = None) -> bool:
    """Open a draft for signatures; return False if it is open already.

    Staff can publish a draft only if its review was requested and they are not among its authors. `revision` is the
    revision of the draft that they have read. A command confirms the draft's targets and doubts first, in the name of
    the operator. Raises NotFoundError, FourEyesError (the actor is an author), ConflictError (the draft has another
    revision now), StateError (not a draft, or the message names what is missing).
    """
    with transaction() as session:
        appeal = find_locked(session, slug)
        require_access(context, appeal, Permission.COORDINATE)
        if appeal.state == AppealState.OPEN:
            return False
        if appeal.state != AppealState.DRAFT:
            raise StateError(f"{slug} is {appeal.state}: only a draft can be published")
        if context.actor.staff_id is not None:
            if context.actor.staff_id in appeal.written_by:
                raise FourEyesError("an author of the appeal cannot publish it")
            if appeal.review_requested_at is None:
                raise StateError(f"no review of {slug} was requested")
            if revision != appeal.revision:
                raise ConflictError({"revision": appeal.revision})
        _check_publishable(session, appeal, context)
        appeal.state = AppealState.OPEN
        appeal.opened_at = context.now
        appeal.revision += 1
        _audit_state(session, "appeal.publish", appeal, AppealState.DRAFT, context)
    return True


def close(slug: str, *, context: Context) -> bool:
    """Close an open appeal before its deadline; return False if it is closed already.

    Raises NotFoundError, StateError (the appeal is a draft, or was stopped).
    """
    with transaction() as session:
        appeal = find_locked(session, slug)
        require_access(context, appeal, Permission.COORDINATE)
        if appeal.state == AppealState.CLOSED:
            return False
        if appeal.state != AppealState.OPEN:
            raise StateError(f"{slug} is {appeal.state}: only an open appeal can be closed")
        _end(appeal, context.now)
        _audit_state(session, "appeal.close", appeal, AppealState.OPEN, context)
    return True


def stop(slug: str, *, context: Context, outcome: dict[str, str] | None = None) -> bool:
    """Stop an open appeal that would no longer help or could do harm; return False if it is stopped already.

    `outcome` is the outcome of the case in Markdown by language, which can also be set later with `set_outcome`. Raises
    NotFoundError, StateError (the appeal is not open), InputError (`body`: too long).
    """
    bodies = {language: body for language, text in (outcome or {}).items() if (body := _checked_outcome(text))}
    with transaction() as session:
        appeal = find_locked(session, slug)
        require_access(context, appeal, Permission.COORDINATE)
        if appeal.state == AppealState.STOPPED:
            return False
        if appeal.state != AppealState.OPEN:
            raise StateError(f"{slug} is {appeal.state}: only an open appeal can be stopped")
        _end(appeal, context.now, AppealState.STOPPED)
        appeal.outcome = {**appeal.outcome, **bodies}
        _audit_state(session, "appeal.stop", appeal, AppealState.OPEN, context)
    return True


def set_outcome(
    slug: str,
    language: str,
    body: str,
    *,
    context: Context,
    expected: str | None = None,
) -> None:
    """Set the outcome of the case in one language, as Markdown for its page; an empty body removes it.

    `expected` is the outcome with which the form was opened. A body equal to it changes nothing, and a colleague's
    later change is not overwritten. Raises NotFoundError, StateError (the appeal is open or a draft), ConflictError
    (`outcome_` and the language: the stored outcome is not `expected`), InputError (`body`: too long).
    """
    body, expected_body = _checked_outcome(body), None if expected is None else _stored_form(expected)
    with transaction() as session:
        appeal = find_locked(session, slug)
        require_access(context, appeal, Permission.COORDINATE)
        if appeal.state not in {AppealState.CLOSED, AppealState.STOPPED}:
            raise StateError(f"{slug} is {appeal.state}: its outcome can be set after it is closed or stopped")
        before = appeal.outcome
        if body in {before.get(language, ""), expected_body}:
            return
        if expected_body is not None and before.get(language, "") != expected_body:
            raise ConflictError({f"outcome_{language}": before.get(language, "")})
        appeal.outcome = {name: text for name, text in {**before, language: body}.items() if text}
        appeal.revision += 1
        audit_change(session, "appeal.tell-outcome", appeal, context=context, before=before, after=appeal.outcome)


def set_safety(
    slug: str,
    *,
    risk_countries: tuple[str, ...],
    initials_only: bool,
    context: Context,
) -> None:
    """Set the countries where writing may endanger the sender, and whether letters are signed with initials.

    Countries are ISO 3166-1 alpha-2. Raises NotFoundError, InputError (`risk_countries`).
    """
    unknown = [code for code in risk_countries if code not in COUNTRIES]
    if unknown:
        raise InputError(
            "risk_countries", "unknown", f"{', '.join(unknown)}: give countries as two letters, such as KZ"
        )
    with transaction() as session:
        appeal = find_locked(session, slug)
        require_access(context, appeal, Permission.COORDINATE)
        before = {"risk_countries": appeal.risk_countries, "initials_only": appeal.initials_only}
        appeal.risk_countries = list(dict.fromkeys(risk_countries))
        appeal.initials_only = initials_only
        appeal.revision += 1
        after = {"risk_countries": appeal.risk_countries, "initials_only": initials_only}
        audit_change(session, "appeal.set-facts", appeal, context=context, before=before, after=after)


def continuation_of(appeal: Appeal, section: str) -> str:
    """Return the section's continuation after the deadline: its last day (ISO 8601), `stop`, or "" if undecided."""
    return (appeal.continuation[section] or "stop") if section in appeal.continuation else ""


def set_continuation(slug: str, until: date | None, *, context: Context, expected: str | None = None) -> None:
    """Set until which day, inclusive, the actor's own section continues after the deadline; None: it stops.

    `expected` is the continuation with which the form was opened (see `continuation_of`), so that a colleague's later
    decision is not overwritten. Raises NotFoundError (a viewer, or a section that does not take part), StateError (a
    draft, or stopped), InputError (`until`: past, or not after the deadline), ConflictError (`continuation`: it is not
    `expected`).
    """
    with transaction() as session:
        appeal = find_locked(session, slug)
        scope = context.actor.scope
        sections = participating_sections(list_sections(), tuple(appeal.sections))
        if (
            scope is None
            or not scope.may(Permission.EDIT)
            or scope.section not in {section.code for section in sections}
        ):
            raise NotFoundError("no such appeal in your section")
        if appeal.state not in {AppealState.OPEN, AppealState.CLOSED}:
            raise StateError(f"{slug} is {appeal.state}")
        if until is not None and (
            until < context.now.date() or (appeal.deadline is not None and until <= appeal.deadline)
        ):
            raise InputError("until", "too-early", "the day must be in the future and after the deadline")
        before, current = dict(appeal.continuation), continuation_of(appeal, scope.section)
        decision = until.isoformat() if until else None
        if current == (decision or "stop"):
            return
        if expected not in {None, current}:
            raise ConflictError({"continuation": current})
        appeal.continuation = {**before, scope.section: decision}
        appeal.revision += 1
        audit_change(session, "appeal.going-on", appeal, context=context, before=before, after=appeal.continuation)


def close_expired(*, context: Context) -> list[str]:
    """Close the open appeals whose deadline has passed in the time zones of all their sections; return their slugs."""
    closed = []
    with transaction() as session:
        sections = list_sections()
        # Locked, because staff may close or stop an appeal at the same moment, and it must end and be audited once.
        for appeal in session.scalars(
            select(Appeal).where(Appeal.state == AppealState.OPEN).with_for_update(**NO_KEY_UPDATE)
        ):
            zones = {
                section.last_zone(appeal.deadline)
                for section in participating_sections(sections, tuple(appeal.sections))
            }
            if not any(is_in_time(appeal.deadline, zone, context.now) for zone in zones or {"UTC"}):
                _end(appeal, context.now)
                reason = "its deadline has passed everywhere"
                _audit_state(session, "appeal.close", appeal, AppealState.OPEN, context, reason)
                closed.append(appeal.slug)
    return closed


def find_locked(session: Session, slug: str) -> Appeal:
    """Return the appeal, locked until the transaction ends. Raises NotFoundError."""
    appeal = session.scalars(select(Appeal).where(Appeal.slug == slug).with_for_update(**NO_KEY_UPDATE)).one_or_none()
    if appeal is None:
        raise NotFoundError(f"there is no appeal {slug}; `flask appeal list` shows those there are")
    return appeal


def _end(appeal: Appeal, now: datetime, state: AppealState = AppealState.CLOSED) -> None:
    appeal.state = state
    appeal.ended_at = now
    appeal.revision += 1


def _stored_form(body: str) -> str:
    """Return the text as it is stored: with Unix line ends, and without NUL, which PostgreSQL cannot store."""
    return unix_lines(body.replace("\x00", "")).strip()


def _checked_outcome(body: str) -> str:
    """Return the outcome as it is stored. Raises InputError (`body`: too long)."""
    body = _stored_form(body)
    if len(body) > _MAX_OUTCOME_LENGTH:
        raise InputError(
            "body", "too-long", f"an outcome has at most {_MAX_OUTCOME_LENGTH} characters, not {len(body)}"
        )
    return body


def _audit_state(
    session: Session,
    act: str,
    appeal: Appeal,
    before: AppealState,
    context: Context,
    reason: str | None = None,
) -> None:
    """Add the appeal's change of state to the audit log, with the outcome if it has one."""
    before_values: dict[str, Any] = {"state": before.value, "outcome": {}}
    after = {"state": str(appeal.state), "outcome": appeal.outcome}
    audit_change(session, act, appeal, context=context, before=before_values, after=after, reason=reason)


def _check_publishable(session: Session, appeal: Appeal, context: Context) -> None:
    """Raise StateError if the appeal is not a draft, or cannot be published yet; the message has the reasons.

    If the actor is no member of staff, first confirm the targets and doubts in their place.
    """
    if appeal.state != AppealState.DRAFT:
        raise StateError(f"{appeal.slug} is {appeal.state}: only a draft can be published")
    if context.actor.staff_id is None:
        confirm_all(session, appeal, context=context)
    session.flush()
    view = find_appeal_by_id(appeal.id)
    missing = (
        [_in_english(blocker, appeal.deadline) for blocker in publish_blockers(view, now=context.now)]
        if view
        else ["it is gone"]
    )
    if missing:
        raise StateError(f"{appeal.slug} cannot be published: " + "; ".join(missing))


def _in_english(blocker: PublishBlocker, deadline: date | None) -> str:
    """Return the reason in English, for operators who use the commands."""
    return {
        "no-text": "it has no text",
        "no-headline": f"its text in {blocker.language} has no headline",
        "no-letter": f"its text in {blocker.language} has neither a letter nor talking points",
        "no-target": f"its text in {blocker.language} names nobody to write to"
        if blocker.language
        else "it has nobody to write to",
        "no-deadline": "it has no deadline (give one with --deadline)",
        "no-section": "no sections are loaded (flask sections load)",
        "target-unconfirmed": f"nobody has confirmed target {blocker.number} ({blocker.detail})",
        "doubt-unconfirmed": f"nobody has confirmed the doubt in line {blocker.number} ({blocker.detail})",
        "deadline-passed": f"its deadline {deadline} has passed (give one with --deadline)",
    }[blocker.code]
