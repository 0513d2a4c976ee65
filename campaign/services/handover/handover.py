"""Lists of signatures for handover: staff request a list, and a worker makes it step by step.

First the worker stores the file of names in parts and computes its digest. Then it makes the PDF volumes from those
parts, so that the printed names are those of the digest. Each part is stored in a transaction of its own, so memory
does not grow with the list. If a worker dies, the list's progress stops, and another worker makes the list anew.
"""

from __future__ import annotations

import csv
import hashlib
import io
import logging
from collections.abc import Callable, Collection, Iterator
from datetime import date, datetime

from sqlalchemy import delete, func, insert, or_, select, update
from sqlalchemy.orm import Session

from campaign.domain.appeals.appeal import AppealState
from campaign.domain.errors import NotFoundError, StateError
from campaign.domain.handover.handover import NAMES_PER_VOLUME, STALE_AFTER, HandoverState
from campaign.domain.handover.spreadsheet import escape_cell, unescape_cell
from campaign.domain.privacy import retention
from campaign.domain.privacy.cipher import SLOT_LENGTH, Vault
from campaign.domain.privacy.disclosure import read_reason
from campaign.domain.privacy.sealed_place import at_handover
from campaign.domain.staff.roles import Permission
from campaign.letter.handover_pdf import HandoverBundle, volume_pdf
from campaign.letter.letter_pdf import clear_typst_cache
from campaign.letter.plain_text import signer_name
from campaign.mail.messages.section_names import section_title
from campaign.models import Handover, HandoverPart, Section
from campaign.platform import db
from campaign.platform.context import Context
from campaign.platform.database.locks import NO_KEY_UPDATE
from campaign.platform.database.transaction import transaction
from campaign.queries.appeals.appeal import AppealView, find_appeal_by_id
from campaign.queries.counting.counts import signatures_by_appeal
from campaign.queries.handover.signatories import names_to_share, signatures_by_country, signatures_of_earlier_words
from campaign.services.keys.row_key import erase_keys, expiry, new_slots
from campaign.services.staff.audit import AuditRecord, append

log = logging.getLogger(__name__)

_UNFINISHED_STATES = (HandoverState.QUEUED.value, HandoverState.RUNNING.value)


def queue_handover(appeal: AppealView, *, language: str, target: int, reason: str, context: Context) -> int:
    """Store a request for a list of the own section's signatures, for a reason; return the list's id.

    Raises InputError (`reason`), NotFoundError (not for this role), StateError (one is being made already).
    """
    reason, scope, now = read_reason(reason), context.actor.staff_scope, context.now
    context.actor.require(Permission.EDIT)
    with transaction() as session:
        of_section = Handover.appeal_id == appeal.id, Handover.section_code == scope.section
        # Lock the section's row, so that of two requests at once the second finds the list of the first.
        session.execute(select(Section.code).where(Section.code == scope.section).with_for_update(**NO_KEY_UPDATE))
        if (
            session.scalars(select(Handover.id).where(*of_section, Handover.state.in_(_UNFINISHED_STATES))).first()
            is not None
        ):
            raise StateError("a list is being made already")
        handover = Handover(
            appeal_id=appeal.id,
            section_code=scope.section,
            staff_id=scope.staff_id,
            language=language,
            target=target,
            reason=reason,
            state=HandoverState.QUEUED.value,
            created_at=now,
            progress_at=now,
            steps=0,
            done=0,
        )
        session.add(handover)
        session.flush()
        content = {"handover": handover.id, "language": language, "target": target}
        record = AuditRecord("handover.ask", f"appeal:{appeal.slug}", scope.section, after=content, reason=reason)
        append(session, record, context=context)
        return handover.id


def waiting_handovers(now: datetime) -> list[int]:
    """Return the ids of the unfinished lists that no worker is making, the oldest first."""
    abandoned = (Handover.state == HandoverState.RUNNING) & (Handover.progress_at < now - STALE_AFTER)
    query = select(Handover.id).where(or_(Handover.state == HandoverState.QUEUED, abandoned)).order_by(Handover.id)
    ids = list(db.session.scalars(query))
    db.session.rollback()
    return ids


def make_handover(
    handover_id: int, *, clock: Callable[[], datetime], context: Context, volume_size: int = NAMES_PER_VOLUME
) -> bool:
    """Make the list in volumes of `volume_size` names; return False if another worker makes it, or it is finished.

    It may take minutes, so each step reads the time from `clock`. A failure is logged and stored as the list's state.
    """
    if not _claim(handover_id, context.now, context.vault):
        return False
    try:
        _make(handover_id, clock, context, volume_size)
    except Exception:  # after any error the state must change, because staff wait for it
        log.exception("the list %s cannot be made", handover_id)
        _update_running(handover_id, state=HandoverState.FAILED.value)
    return True


def outdate(session: Session, appeal_id: int, section_code: str, *, vault: Vault, on: date) -> None:
    """Mark the section's lists as outdated and delete their parts.

    This happens in the transaction of the caller, in which a signer leaves the lists.
    """
    affected = select(Handover.id).where(
        Handover.appeal_id == appeal_id,
        Handover.section_code == section_code,
        Handover.state.in_([*_UNFINISHED_STATES, HandoverState.DONE.value]),
    )
    ids = list(session.scalars(affected.with_for_update(**NO_KEY_UPDATE)))
    if ids:
        delete_parts(session, ids, vault=vault, on=on)
        session.execute(update(Handover).where(Handover.id.in_(ids)).values(state=HandoverState.OUTDATED.value))


def delete_parts(session: Session, handover_ids: Collection[int], *, vault: Vault, on: date) -> None:
    """Delete the parts of those lists and their keys, in the transaction of the caller, which has locked the lists."""
    parts = HandoverPart.handover_id.in_(handover_ids)
    key_slots = session.scalars(select(func.substr(HandoverPart.content_sealed, 1, SLOT_LENGTH)).where(parts)).all()
    erase_keys(session, [bytes(slot) for slot in key_slots], vault, on=on)
    session.execute(delete(HandoverPart).where(parts), execution_options={"synchronize_session": False})


def _claim(handover_id: int, now: datetime, vault: Vault) -> bool:
    """Mark the list as running and delete old parts; return False if another worker makes it, or it is finished."""
    abandoned = (Handover.state == HandoverState.RUNNING) & (Handover.progress_at < now - STALE_AFTER)
    with transaction() as session:
        claimable = update(Handover).where(
            Handover.id == handover_id, or_(Handover.state == HandoverState.QUEUED, abandoned)
        )
        values = {"state": HandoverState.RUNNING.value, "progress_at": now, "done": 0, "steps": 0}
        if not session.connection().execute(claimable.values(**values)).rowcount:
            return False
        delete_parts(session, [handover_id], vault=vault, on=now.date())
    return True


def _make(handover_id: int, clock: Callable[[], datetime], context: Context, volume_size: int) -> None:
    """Store the file of names and the PDF volumes of a running list, then mark it as done. Raises NotFoundError."""
    now = clock()
    handover = db.session.get(Handover, handover_id, populate_existing=True)
    appeal = find_appeal_by_id(handover.appeal_id) if handover else None
    if handover is None or appeal is None or appeal.state == AppealState.DRAFT:
        raise NotFoundError("the appeal is gone")
    by_country = signatures_by_country(appeal.id, handover.section_code)
    earlier = signatures_of_earlier_words(appeal.id, handover.section_code)
    all_signatures = signatures_by_appeal((appeal.id,)).get(appeal.id, 0)
    section = db.session.get_one(Section, handover.section_code)
    base = f"{appeal.slug}-{section.code}-{now:%Y-%m-%d}"
    file = f"{base}-names.csv"
    digest, names = _write_names(handover, appeal, file, clock, context.vault, volume_size)
    volumes = max(1, -(-names // volume_size))
    _update_running(handover_id, steps=2 * volumes)
    text = appeal.text_in(handover.language)
    bundle = HandoverBundle(
        appeal=appeal,
        text=text,
        target=next(
            (target for target in appeal.targets_in(text.language) if target.position == handover.target), None
        ),
        language=handover.language,
        section=_sender(context.settings.theme.name, section, handover.language),
        dated=now.date(),
        # Counted before the names are written: later signatures belong to the next list.
        by_country=by_country,
        everywhere=all_signatures,
        earlier=earlier,
        names=names,
        file=file,
        sha256=digest,
        volumes=volumes,
    )
    _store_volumes(handover_id, bundle, base, clock, context)
    result = {"signatures": bundle.signatures, "names": names, "sha256": digest}
    _update_running(handover_id, state=HandoverState.DONE.value, **result)


def _store_volumes(
    handover_id: int, bundle: HandoverBundle, base: str, clock: Callable[[], datetime], context: Context
) -> None:
    """Make and store one PDF volume from each part of the file of names; `base` is the start of their file names."""
    for number, names in enumerate(_names_by_part(handover_id, bundle.file, context.vault), 1):
        name = f"{base}.pdf" if bundle.volumes == 1 else f"{base}-{number:02}.pdf"
        content = volume_pdf(bundle, number, names, context.settings.fonts)
        clear_typst_cache()
        _store_part(handover_id, name, content, clock(), context.vault, done=bundle.volumes + number)


def _sender(organisation: str, section: Section, language: str) -> str:
    """Return the sender's name: organisation and section, because a section's own name is often that of a country."""
    name = section_title(section.code, section.name, language)
    return f"{organisation}, {name}" if organisation else name


def _write_names(
    handover: Handover, appeal: AppealView, file: str, clock: Callable[[], datetime], vault: Vault, part_size: int
) -> tuple[str, int]:
    """Store the file of names in parts of `part_size` names; return its SHA-256 in hex and the number of names."""
    digest, written, last_id = hashlib.sha256(), 0, 0
    is_last = False
    section, handover_id = handover.section_code, handover.id
    while not is_last:
        signers = names_to_share(appeal.id, section, vault, after_id=last_id, limit=part_size)
        is_last = len(signers) < part_size
        if is_last and not signers and written:
            break
        text = io.StringIO(newline="")
        writer = csv.writer(text)
        if not written:
            text.write("\ufeff")
            writer.writerow(("number", "name", "country"))
        for number, (_, name, country) in enumerate(signers, written + 1):
            writer.writerow((number, escape_cell(signer_name(appeal, name) or ""), country))
        content = text.getvalue().encode()
        digest.update(content)
        written += len(signers)
        last_id = signers[-1][0] if signers else last_id
        _store_part(handover_id, file, content, clock(), vault, done=-(-written // part_size))
    return digest.hexdigest(), written


def _names_by_part(handover_id: int, file: str, vault: Vault) -> Iterator[list[tuple[int, str]]]:
    """Yield for each part its names with their numbers, as in the file. Raises NotFoundError (the list is outdated)."""
    parts = select(HandoverPart.id).where(HandoverPart.handover_id == handover_id, HandoverPart.name == file)
    for part_id in list(db.session.scalars(parts.order_by(HandoverPart.id))):
        sealed = db.session.scalars(select(HandoverPart.content_sealed).where(HandoverPart.id == part_id)).one_or_none()
        if sealed is None:
            raise NotFoundError("the list is outdated")
        text = vault.open_file(sealed, at_handover(handover_id, file)).decode("utf-8-sig")
        rows = csv.reader(io.StringIO(text, newline=""))
        yield [(int(row[0]), unescape_cell(row[1])) for row in rows if row[0] != "number"]


def _store_part(handover_id: int, name: str, content: bytes, now: datetime, vault: Vault, *, done: int) -> None:
    """Store a part of the list and its progress. Raises NotFoundError (the list is no longer being made)."""
    with transaction() as session:
        running = update(Handover).where(Handover.id == handover_id, Handover.state == HandoverState.RUNNING)
        if not session.connection().execute(running.values(done=done, progress_at=now)).rowcount:
            raise NotFoundError("the list is outdated")
        slot = new_slots(session.connection(), vault, expires_on=expiry(now, retention.HANDOVERS))[0]
        sealed = vault.seal_file(content, at_handover(handover_id, name), slot)
        session.execute(insert(HandoverPart), {"handover_id": handover_id, "name": name, "content_sealed": sealed})


def _update_running(handover_id: int, **values: object) -> None:
    """Set columns of the list, unless it is no longer running."""
    with transaction() as session:
        running = update(Handover).where(Handover.id == handover_id, Handover.state == HandoverState.RUNNING)
        session.execute(running.values(**values))
