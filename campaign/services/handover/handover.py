"""Making a list of signatures to be handed over: asked for by staff, made step by step by a worker.

First the file of names is written, in pieces, while its digest is computed; then the volumes are set from those pieces,
so that what is printed is what the digest is of. Each piece is a transaction of its own and needs the same memory
however long the list is. A worker that breaks off is noticed by its silence, and another one begins anew.
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
from campaign.domain.handover.handover import STALE, VOLUME, HandoverState
from campaign.domain.handover.spreadsheet import escape_cell, unescape_cell
from campaign.domain.privacy import retention
from campaign.domain.privacy.cipher import SLOT_LENGTH, Vault
from campaign.domain.privacy.disclosure import read_reason
from campaign.domain.privacy.sealed_place import at_handover
from campaign.domain.staff.roles import Permission
from campaign.letter.handover_pdf import HandoverBundle, volume
from campaign.letter.letter_pdf import forget
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

_UNDER_WAY = (HandoverState.QUEUED.value, HandoverState.RUNNING.value)


def ask_for_handover(appeal: AppealView, *, language: str, target: int, reason: str, context: Context) -> int:
    """Write down that a list of the own section's signatures is wanted, and what for; return its id.

    Raises InputError (`reason`), StateError where one is being made already.
    """
    reason, scope, now = read_reason(reason), context.actor.member, context.now
    context.actor.require(Permission.EDIT)
    with transaction() as session:
        own = Handover.appeal_id == appeal.id, Handover.section_code == scope.section
        # Two clicks are one wish: whoever asks waits for the section's row.
        session.execute(select(Section.code).where(Section.code == scope.section).with_for_update(**NO_KEY_UPDATE))
        if session.scalars(select(Handover.id).where(*own, Handover.state.in_(_UNDER_WAY))).first() is not None:
            raise StateError("a list is being made already")
        wanted = Handover(
            appeal_id=appeal.id,
            section_code=scope.section,
            staff_id=scope.staff_id,
            language=language,
            target=target,
            reason=reason,
            state=HandoverState.QUEUED.value,
            created_at=now,
            touched_at=now,
            steps=0,
            done=0,
        )
        session.add(wanted)
        session.flush()
        what = {"handover": wanted.id, "language": language, "target": target}
        act = AuditRecord("handover.ask", f"appeal:{appeal.slug}", scope.section, after=what, reason=reason)
        append(session, act, context=context)
        return wanted.id


def waiting(now: datetime) -> list[int]:
    """The lists that nobody is making."""
    silent = (Handover.state == HandoverState.RUNNING) & (Handover.touched_at < now - STALE)
    wanted = select(Handover.id).where(or_(Handover.state == HandoverState.QUEUED, silent)).order_by(Handover.id)
    found = list(db.session.scalars(wanted))
    db.session.rollback()
    return found


def make_handover(handover_id: int, *, clock: Callable[[], datetime], context: Context, most: int = VOLUME) -> bool:
    """Make the list in volumes of `most` names, unless another worker does; write down what fails.

    It may take minutes, so it asks the clock at each step. Return False where there was nothing to do.
    """
    if not _claim(handover_id, context.now, context.vault):
        return False
    try:
        _make(handover_id, clock, context, most)
    except Exception:  # whatever it was: staff must not wait for ever
        log.exception("the list %s cannot be made", handover_id)
        _set(handover_id, state=HandoverState.FAILED.value)
    return True


def outdate(session: Session, appeal_id: int, section_code: str, *, vault: Vault, on: date) -> None:
    """Somebody has left the list: what was made of it is let go at once. In the transaction of the leaving."""
    concerned = select(Handover.id).where(
        Handover.appeal_id == appeal_id,
        Handover.section_code == section_code,
        Handover.state.in_([*_UNDER_WAY, HandoverState.DONE.value]),
    )
    ids = list(session.scalars(concerned.with_for_update(**NO_KEY_UPDATE)))
    if ids:
        forget_parts(session, ids, vault=vault, on=on)
        session.execute(update(Handover).where(Handover.id.in_(ids)).values(state=HandoverState.OUTDATED.value))


def forget_parts(session: Session, handover_ids: Collection[int], *, vault: Vault, on: date) -> None:
    """Delete what was made of those lists, with its keys, in the transaction of the caller, who has locked them."""
    parts = HandoverPart.handover_id.in_(handover_ids)
    sealed = session.scalars(select(func.substr(HandoverPart.content_sealed, 1, SLOT_LENGTH)).where(parts)).all()
    erase_keys(session, [bytes(one) for one in sealed], vault, on=on)
    session.execute(delete(HandoverPart).where(parts), execution_options={"synchronize_session": False})


def _claim(handover_id: int, now: datetime, vault: Vault) -> bool:
    silent = (Handover.state == HandoverState.RUNNING) & (Handover.touched_at < now - STALE)
    with transaction() as session:
        mine = update(Handover).where(Handover.id == handover_id, or_(Handover.state == HandoverState.QUEUED, silent))
        values = {"state": HandoverState.RUNNING.value, "touched_at": now, "done": 0, "steps": 0}
        if not session.connection().execute(mine.values(**values)).rowcount:
            return False
        forget_parts(session, [handover_id], vault=vault, on=now.date())
    return True


def _make(handover_id: int, clock: Callable[[], datetime], context: Context, most: int) -> None:
    now = clock()
    wanted = db.session.get(Handover, handover_id, populate_existing=True)
    appeal = find_appeal_by_id(wanted.appeal_id) if wanted else None
    if wanted is None or appeal is None or appeal.state == AppealState.DRAFT:
        raise NotFoundError("the appeal is gone")
    by_country = signatures_by_country(appeal.id, wanted.section_code)
    earlier = signatures_of_earlier_words(appeal.id, wanted.section_code)
    everywhere = signatures_by_appeal((appeal.id,)).get(appeal.id, 0)
    section = db.session.get_one(Section, wanted.section_code)
    base = f"{appeal.slug}-{section.code}-{now:%Y-%m-%d}"
    file = f"{base}-names.csv"
    digest, names = _write_names(wanted, appeal, file, clock, context.vault, most)
    volumes = max(1, -(-names // most))
    _set(handover_id, steps=2 * volumes)
    text = appeal.text_in(wanted.language)
    bundle = HandoverBundle(
        appeal=appeal,
        text=text,
        target=next((one for one in appeal.targets_in(text.language) if one.position == wanted.target), None),
        language=wanted.language,
        section=_sender(context.settings.theme.name, section, wanted.language),
        dated=now.date(),
        # Whoever signed while the names were written is in the next list.
        by_country=by_country,
        everywhere=everywhere,
        earlier=earlier,
        names=names,
        file=file,
        sha256=digest,
        volumes=volumes,
    )
    for number, some in enumerate(_pieces(handover_id, file, context.vault), 1):
        name = f"{base}.pdf" if volumes == 1 else f"{base}-{number:02}.pdf"
        content = volume(bundle, number, some, context.settings.fonts)
        forget()
        _keep(handover_id, name, content, clock(), context.vault, done=volumes + number)
    whole = {"signatures": bundle.signatures, "names": names, "sha256": digest}
    _set(handover_id, state=HandoverState.DONE.value, **whole)


def _sender(organisation: str, section: Section, language: str) -> str:
    """Who hands over: a section's name alone is that of a country, which does not."""
    name = section_title(section.code, section.name, language)
    return f"{organisation}, {name}" if organisation else name


def _write_names(
    wanted: Handover, appeal: AppealView, file: str, clock: Callable[[], datetime], vault: Vault, most: int
) -> tuple[str, int]:
    """The file of names in pieces; returns its digest in hex, and how many names it holds."""
    digest, written, last = hashlib.sha256(), 0, 0
    is_whole = False
    section, number = wanted.section_code, wanted.id
    while not is_whole:
        some = names_to_share(appeal.id, section, vault, after=last, most=most)
        is_whole = len(some) < most
        if is_whole and not some and written:
            break
        text = io.StringIO(newline="")
        writer = csv.writer(text)
        if not written:
            text.write("\ufeff")
            writer.writerow(("number", "name", "country"))
        for place, (_, name, country) in enumerate(some, written + 1):
            writer.writerow((place, escape_cell(signer_name(appeal, name) or ""), country))
        content = text.getvalue().encode()
        digest.update(content)
        written += len(some)
        last = some[-1][0] if some else last
        _keep(number, file, content, clock(), vault, done=-(-written // most))
    return digest.hexdigest(), written


def _pieces(handover_id: int, file: str, vault: Vault) -> Iterator[list[tuple[int, str]]]:
    """The names of each piece with their places, as they stand in the file."""
    chosen = select(HandoverPart.id).where(HandoverPart.handover_id == handover_id, HandoverPart.name == file)
    for part_id in list(db.session.scalars(chosen.order_by(HandoverPart.id))):
        sealed = db.session.scalars(select(HandoverPart.content_sealed).where(HandoverPart.id == part_id)).one_or_none()
        if sealed is None:
            raise NotFoundError("somebody left the list meanwhile")
        text = vault.open_file(sealed, at_handover(handover_id, file)).decode("utf-8-sig")
        rows = csv.reader(io.StringIO(text, newline=""))
        yield [(int(row[0]), unescape_cell(row[1])) for row in rows if row[0] != "number"]


def _keep(handover_id: int, name: str, content: bytes, now: datetime, vault: Vault, *, done: int) -> None:
    """One more piece. Raises NotFoundError where nobody wants the list any more."""
    with transaction() as session:
        mine = update(Handover).where(Handover.id == handover_id, Handover.state == HandoverState.RUNNING)
        if not session.connection().execute(mine.values(done=done, touched_at=now)).rowcount:
            raise NotFoundError("somebody left the list meanwhile")
        slot = new_slots(session.connection(), vault, expires_on=expiry(now, retention.HANDOVERS))[0]
        sealed = vault.seal_file(content, at_handover(handover_id, name), slot)
        session.execute(insert(HandoverPart), {"handover_id": handover_id, "name": name, "content_sealed": sealed})


def _set(handover_id: int, **values: object) -> None:
    with transaction() as session:
        mine = update(Handover).where(Handover.id == handover_id, Handover.state == HandoverState.RUNNING)
        session.execute(mine.values(**values))
