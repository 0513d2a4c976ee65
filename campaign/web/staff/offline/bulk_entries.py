"""Bulk entries: the form for quantities of offline actions, the list of entries, confirming and undoing."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any
from zoneinfo import ZoneInfo

from flask import Blueprint, abort, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext
from wtforms import BooleanField, StringField

from campaign.domain.appeals.appeal import AppealState
from campaign.domain.counting.channel import ENTERABLE_CHANNELS, Channel
from campaign.domain.errors import FourEyesError, InputError, NotFoundError, StateError
from campaign.domain.offline.bulk_entry import (
    MAX_UNCONFIRMED,
    NOTE_LENGTH,
    PLACE_LENGTH,
    UnusualQuantityError,
    read_day,
    read_line,
    read_quantity,
)
from campaign.domain.staff.roles import Permission
from campaign.platform.runtime import runtime
from campaign.queries.appeals.appeal import AppealView
from campaign.queries.offline.bulk_entry import PAGE, entries, is_waiting, waiting_entries_elsewhere
from campaign.services.offline.bulk_entry import BulkQuantity, confirm_bulk_entry, enter, request_confirmation, undo
from campaign.web.http.locale import current_locale, number
from campaign.web.staff.offline.captions import FAULTS
from campaign.web.staff.published_appeal import published_appeal
from campaign.web.staff.sections.section_names import own_section, section_names
from campaign.web.staff.staff.access import all_sections, needs, scope, staff_context
from campaign.web.staff.staff_form import TokenForm, read_number

blueprint = Blueprint("bulk_entries", __name__, url_prefix="/appeals/<slug>/bulk-entries")


class EntryForm(TokenForm):
    """Channel, quantity, day, place and note; `sure` answers the question about an unusual quantity."""

    quantity = StringField()
    channel = StringField()
    day = StringField()
    place = StringField()
    note = StringField()
    sure = BooleanField()


@blueprint.get("")
@needs(Permission.EDIT)
def show(slug: str) -> ResponseReturnValue:
    """Show the form, and the entries of this person's section."""
    form = EntryForm(channel=Channel.LETTER.value, day=today().isoformat())
    return _page(published_appeal(slug), form, before=read_number(request.args.get("before", "")))


@blueprint.post("")
@needs(Permission.EDIT)
def add(slug: str) -> ResponseReturnValue:
    """Count the entry, or show all errors with status 422 and count nothing."""
    appeal, form = published_appeal(slug), EntryForm()
    faults: dict[str, Any] = {}
    quantity = _read_entry(appeal, form, faults)
    if quantity is None:
        return _page(appeal, form, faults), 422
    try:
        entry_id = enter(slug, quantity, is_sure=bool(form.sure.data), context=staff_context())
    except UnusualQuantityError as error:
        return _page(appeal, form, usual_quantity=error.usual), 422
    if not notify_if_waiting(entry_id):
        flash(gettext("Counted: %(count)s.", count=number(quantity.quantity)), "success")
    return redirect(url_for("bulk_entries.show", slug=slug), 303)


@blueprint.post("/<int:entry_id>/confirm")
@needs(Permission.EDIT, fresh=True)
def confirm(slug: str, entry_id: int) -> ResponseReturnValue:
    """Confirm an entry that waits for a second person, and count it."""
    published_appeal(slug)
    context = staff_context()
    try:
        with all_sections():
            confirm_bulk_entry(slug, entry_id, context=context)
    except NotFoundError:
        abort(404)
    except FourEyesError:
        flash(gettext("You entered it yourself: somebody else has to confirm it."), "error")
    except StateError:
        flash(gettext("This entry does not wait any more."), "error")
    else:
        flash(gettext("Confirmed and counted."), "success")
    return redirect(url_for("bulk_entries.show", slug=slug), 303)


@blueprint.post("/<int:entry_id>/undo")
@needs(Permission.EDIT)
def undo_entry(slug: str, entry_id: int) -> ResponseReturnValue:
    """Undo an entry: it is no longer counted."""
    published_appeal(slug)
    try:
        undo(slug, entry_id, context=staff_context())
    except NotFoundError:
        abort(404)
    except StateError:
        flash(gettext("This entry was undone before."), "error")
    else:
        flash(gettext("Undone: the counts are as if it had not been entered."), "success")
    return redirect(url_for("bulk_entries.show", slug=slug), 303)


def notify_if_waiting(entry_id: int) -> bool:
    """Return whether the entry waits for a second person; if it does, notify the people who can confirm it."""
    if not is_waiting(entry_id):
        return False
    request_confirmation(entry_id, context=staff_context())
    message = gettext(
        "It is written down, and counted once somebody else has confirmed it. They have been told by mail."
    )
    flash(message, "success")
    return True


def today() -> date:
    """Return today's date in the time zone of this person's section."""
    return _local_date(runtime().clock())


def checked_day(appeal: AppealView, text: str) -> date:
    """Return the day of an action for the appeal. Raises InputError if the appeal was not open on that day."""
    stopped_at = appeal.ended_at if appeal.state == AppealState.STOPPED else None
    opened_on = _local_date(appeal.opened_at) if appeal.opened_at is not None else today()
    return read_day(text, opened_on=opened_on, today=today(), last_day=_local_date(stopped_at) if stopped_at else None)


def _local_date(moment: datetime) -> date:
    return moment.astimezone(ZoneInfo(own_section().time_zone)).date()


def _read_entry(appeal: AppealView, form: EntryForm, faults: dict[str, Any]) -> BulkQuantity | None:
    """Return the checked input; on errors, add a message for each field to `faults` and return None."""
    texts = {name: form[name].data or "" for name in ("quantity", "day", "place", "note")}
    values: dict[str, Any] = {}
    for name, reader in (
        ("quantity", read_quantity),
        ("day", lambda text: checked_day(appeal, text)),
        ("place", lambda text: read_line("place", text, PLACE_LENGTH)),
        ("note", lambda text: read_line("note", text, NOTE_LENGTH)),
    ):
        try:
            values[name] = reader(texts[name])
        except InputError as error:
            faults[name] = FAULTS[error.field, error.code]
    channel = form.channel.data or ""
    if channel not in ENTERABLE_CHANNELS:
        faults["channel"] = FAULTS["channel", "unknown"]
    return None if faults else BulkQuantity(Channel(channel), **values)


def _page(
    appeal: AppealView,
    form: EntryForm,
    faults: dict[str, Any] | None = None,
    *,
    usual_quantity: int | None = None,
    before: int | None = None,
) -> str:
    """Return the page; `usual_quantity` is set if the quantity is unusual and has to be confirmed."""
    own_scope = scope()
    entry_views = entries(own_scope, appeal.id, before=before)
    with all_sections():
        other_sections_entries = waiting_entries_elsewhere(own_scope, appeal.id)
    return render_template(
        "staff/offline/bulk_entries.html",
        appeal=appeal,
        text=appeal.text_in(current_locale()),
        form=form,
        faults=faults or {},
        usual_quantity=usual_quantity,
        entries=entry_views,
        other_sections_entries=other_sections_entries,
        section_names=section_names(),
        max_unconfirmed=MAX_UNCONFIRMED,
        oldest_id=entry_views[-1].id if len(entry_views) == PAGE else None,
        enterable=ENTERABLE_CHANNELS,
        section=own_section(),
        today=today(),
    )
