"""The recording of actions that supporters report: counted as `reported`, separately from verified actions.

Reports of people who have not signed are counted as far as the abuse limits admit them.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy import insert, select
from sqlalchemy.orm import Session

from campaign.domain.abuse.challenge import ChallengeDemand, ChallengeDemandError, SolvedChallenge
from campaign.domain.appeals.appeal import AppealState, is_continued, is_reportable
from campaign.domain.appeals.last_time_zone import last_zone
from campaign.domain.counting.action import Evidence
from campaign.domain.counting.channel import REPORTABLE_CHANNELS, Channel
from campaign.domain.errors import (
    AppealEndedError,
    InputError,
    NotFoundError,
    ReportLimitError,
    SpentSolutionError,
    StateError,
)
from campaign.domain.privacy.cipher import Vault
from campaign.domain.signing.signature import SignatureState
from campaign.models import Action, Appeal, Section, SpentSolution
from campaign.platform.context import Context
from campaign.platform.database.insert_or_ignore import insert_or_ignore
from campaign.platform.database.transaction import transaction
from campaign.platform.network import Network
from campaign.queries.appeals.appeal import AppealView
from campaign.services.abuse.limits import admit_report, new_demand
from campaign.services.counting.tally import TallyCell, count, hour_of
from campaign.services.keys.month_key import month_key
from campaign.services.signing.signature import lock_signature


@dataclass(frozen=True, slots=True)
class UnsignedReport:
    """A report with checked fields, and its origin.

    `section_code` is the section of the chosen country, `target` the target's position. `networks` are those of the
    request, the narrowest first. `proof` and `ticket` answer the human check.
    """

    section_code: str
    channel: Channel
    target: int
    networks: tuple[Network, ...]
    proof: str = ""
    ticket: str = ""


def record_report(signature_id: int, channel: Channel, *, target: int, context: Context) -> bool:
    """Count one action of a confirmed signer; return False where it was counted already.

    An action counts once for each channel, target and day. Raises NotFoundError (the signature was erased),
    AppealEndedError (the appeal is over or was stopped), StateError (the signature is not confirmed), InputError
    (supporters cannot report this channel).
    """
    now = context.now
    _check_reportable(channel)
    with transaction() as session:
        signature = lock_signature(session, signature_id)
        if signature.state != SignatureState.CONFIRMED:
            raise StateError(f"the signature is {signature.state}")
        cell = TallyCell(signature.appeal_id, signature.section_code, channel.value, Evidence.REPORTED.value)
        _check_in_time(session, cell, now)
        connection = session.connection()
        values = _action_columns(cell, target, now) | {"signature_id": signature.id}
        if not insert_or_ignore(connection, Action, values):
            return False
        count(connection, cell, now, 1)
    return True


def count_unsigned_report(appeal: AppealView, report: UnsignedReport, *, context: Context) -> None:
    """Count the report if the abuse limits admit it. An error stores nothing.

    Raises ChallengeDemandError where the limits demand the human check, ReportLimitError above the appeal's cap, and
    the errors of `record_unsigned_report` except SpentSolutionError.
    """
    networks = report.networks
    admission = admit_report(appeal, report.proof, report.ticket, networks, context=context)
    if admission is None:
        raise ReportLimitError(f"{appeal.slug} takes no more reports for a while")
    if isinstance(admission, ChallengeDemand):
        raise ChallengeDemandError(admission)
    narrow, wide = networks[0], networks[1 if len(networks) > 1 else 0]
    try:
        record_unsigned_report(
            appeal.id,
            report.section_code,
            report.channel,
            target=report.target,
            solved=admission.solved,
            networks=(bytes.fromhex(narrow.digest), bytes.fromhex(wide.digest)),
            context=context,
        )
    except SpentSolutionError as error:
        raise ChallengeDemandError(new_demand(appeal, networks, context=context)) from error


def record_unsigned_report(
    appeal_id: int,
    section_code: str,
    channel: Channel,
    *,
    target: int,
    solved: SolvedChallenge | None = None,
    networks: tuple[bytes, bytes] | None = None,
    context: Context,
) -> None:
    """Count one action of a person who has not signed, for the section of the country they chose.

    Nothing about the person is stored, so a repeated report cannot be recognised: the caller must limit reports.
    `networks` are keyed digests of the narrow and the wide network that the report came from. They are stored for a
    month, under the month's key, so that staff can take a flood out of the counts. `solved` is the solution of the
    human check, which becomes spent.

    Raises NotFoundError (no such appeal), AppealEndedError, InputError, SpentSolutionError (the solution was used
    before).
    """
    now = context.now
    _check_reportable(channel)
    narrow, wide = _monthly_digests(networks, now, context.vault)
    with transaction() as session:
        if solved is not None:
            _spend(session, solved)
        cell = TallyCell(appeal_id, section_code, channel.value, Evidence.REPORTED.value)
        _check_in_time(session, cell, now)
        origin = {"signature_id": None, "network_digest": narrow, "wide_network_digest": wide}
        session.connection().execute(insert(Action), _action_columns(cell, target, now) | origin)
        count(session.connection(), cell, now, 1)


def _monthly_digests(
    networks: tuple[bytes, bytes] | None, now: datetime, vault: Vault
) -> tuple[bytes | None, bytes | None]:
    """Return the digests to store for the networks. Only reports of the same month have comparable digests."""
    if networks is None:
        return None, None
    key, (narrow, wide) = month_key(vault, now=now), networks
    return vault.month_digest(narrow, key, "report"), vault.month_digest(wide, key, "report")


def _spend(session: Session, solved: SolvedChallenge) -> None:
    values = {"digest": solved.digest, "expires_at": solved.expires_at}
    if not insert_or_ignore(session.connection(), SpentSolution, values):
        raise SpentSolutionError


def _check_reportable(channel: Channel) -> None:
    if channel not in REPORTABLE_CHANNELS:
        raise InputError("channel", "unknown", f"{channel} is not for supporters to report")


def _check_in_time(session: Session, cell: TallyCell, now: datetime) -> None:
    """Raise AppealEndedError where the section takes no more reports, NotFoundError where there is no such section."""
    row = session.execute(
        select(
            Appeal.deadline, Appeal.state, Appeal.ended_at, Section.time_zone, Section.countries, Appeal.continuation
        )
        .join(Section, Section.code == cell.section_code)
        .where(Appeal.id == cell.appeal_id)
    ).first()
    if row is None:
        raise NotFoundError("there is no such appeal or section")
    deadline, state, ended_at, time_zone, countries, continuation = row
    if state in {AppealState.DRAFT, AppealState.STOPPED}:
        raise AppealEndedError(f"the appeal is {state}")
    until = continuation.get(cell.section_code)
    section = cell.section_code, tuple(countries), time_zone
    if until:
        last = date.fromisoformat(until)
        if is_continued(last, last_zone(*section, last), now):
            return
    if not is_reportable(deadline, last_zone(*section, deadline), ended_at, now):
        raise AppealEndedError("it is too late to report")


def _action_columns(cell: TallyCell, target: int, now: datetime) -> dict[str, object]:
    return {**cell.as_columns(), "quantity": 1, "target": target, "happened_on": now.date(), "counted_at": hour_of(now)}
