"""Announcements to supporters who asked for updates: writing, previewing, testing and sending them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

from babel.dates import format_date, format_time
from flask import Blueprint, Response, abort, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext
from flask_mail import Message
from werkzeug.datastructures import MultiDict

from campaign.config import LOCALES
from campaign.domain.announcements.announcement import AnnouncementKind, AnnouncementState, check_text
from campaign.domain.appeals.appeal import AppealState
from campaign.domain.errors import ConflictError, InputError, NotFoundError, StateError
from campaign.domain.signing.address import parse_address
from campaign.domain.staff.roles import Permission
from campaign.domain.typed_text import unix_lines
from campaign.mail.messages import samples
from campaign.mail.messages.messages import AnnouncedText
from campaign.platform.context import Context
from campaign.platform.runtime import runtime
from campaign.queries.announcements.announcement import AnnouncementView, announcements_of, audience, find_announcement
from campaign.queries.appeals.appeal import AppealView, case_appeal_ids
from campaign.services.announcements import announce
from campaign.services.announcements.announce import AnnouncementWording, Audience
from campaign.web.http.locale import current_locale
from campaign.web.mail_frame import frame_content, page_with_frame
from campaign.web.staff.delivery.captions import ANNOUNCED, ANNOUNCEMENT_STATES, FAULTS, MESSAGE_NAMES, STATE_NAMES
from campaign.web.staff.published_appeal import published_appeal
from campaign.web.staff.sections.section_names import own_section, section_names
from campaign.web.staff.staff.access import all_sections, member, needs, scope, staff_context

blueprint = Blueprint("announcement", __name__, url_prefix="/appeals/<slug>/announcements")


@dataclass(frozen=True, slots=True)
class TypedAnnouncement:
    """The values of the form, and the errors by field."""

    kind: str
    to: Audience
    texts: dict[str, AnnouncementWording]
    faults: dict[str, object]


@blueprint.get("")
@needs(Permission.EDIT)
def index(slug: str) -> ResponseReturnValue:
    """Show the announcements to this appeal's supporters."""
    appeal = published_appeal(slug)
    is_for_all, section = scope().may(Permission.COORDINATE), scope().section
    own_section_code = None if is_for_all else section
    # Each section has its own deadline reminder; show only that of this person's section.
    with all_sections():
        people = sum(audience(appeal.id, own_section_code).values())
        all_announcements = announcements_of(appeal.id)
    announcements = [
        announcement
        for announcement in all_announcements
        if announcement.section_code in {None, section} or (is_for_all and announcement.kind in ANNOUNCED)
    ]
    return _render(
        "announcements", appeal, announcements=announcements, people=people, own_section_code=own_section_code
    )


@blueprint.get("/new")
@needs(Permission.EDIT)
def show_new(slug: str) -> ResponseReturnValue:
    """Show the form for a new announcement."""
    appeal = published_appeal(slug)
    is_over = appeal.state != AppealState.OPEN
    kind = AnnouncementKind.OUTCOME if is_over else AnnouncementKind.UPDATE
    section = None if scope().may(Permission.COORDINATE) else scope().section
    to = Audience(section, to_case="case" in request.args, is_rewording="rewording" in request.args)
    return _form(appeal, None, TypedAnnouncement(kind, to, {}, {}))


@blueprint.post("/new")
@needs(Permission.EDIT)
def create(slug: str) -> ResponseReturnValue:
    """Store a draft."""
    appeal, form_data = published_appeal(slug), _read_form(request.form)
    if not form_data.faults:
        try:
            with _writer_context() as context:
                announcement_id = announce.create_draft(
                    appeal.id,
                    AnnouncementKind(form_data.kind),
                    form_data.to,
                    form_data.texts,
                    context=context,
                )
        except InputError as error:
            form_data.faults[error.field] = FAULTS[error.field, error.code]
        else:
            flash(gettext("Kept. Nobody has it yet: look at it, and send yourself a test."), "success")
            return redirect(_page_address(slug, announcement_id), 303)
    return _form(appeal, None, form_data), 422


@blueprint.get("/<int:number>")
@needs(Permission.EDIT)
def show(slug: str, number: int) -> ResponseReturnValue:
    """Show one announcement as it is mailed, with its audience and the number of mails by state."""
    appeal = published_appeal(slug)
    announcement = _announcement_or_404(appeal, number)
    typed_language = request.args.get("lang", "")
    preferred = (typed_language, current_locale(), announcement.first_language, *announcement.texts)
    language = next((code for code in preferred if code in announcement.texts), None)
    with all_sections():
        people = audience(
            appeal.id, announcement.section_code, to_case=announcement.to_case, is_rewording=announcement.is_rewording
        )
    readers = [(code, people[code], announcement.language_for(code)) for code in LOCALES if people.get(code)]
    page = _render(
        "announcement",
        appeal,
        announcement=announcement,
        language=language,
        message=_message(appeal, announcement, language) if language else None,
        readers=readers,
        total=sum(count for _, count, reads in readers if reads),
        may_edit=scope().may_edit_for(announcement.section_code) and announcement.kind in ANNOUNCED,
        can_recall=announcement.state == AnnouncementState.SENDING and (announcement.started_at or _now()) > _now(),
        state_names=STATE_NAMES,
    )
    return page_with_frame(page)


@blueprint.get("/<int:number>/<language>.html")
@needs(Permission.EDIT)
def html(slug: str, number: int, language: str) -> Response:
    """Return the HTML part in one language, for the frame."""
    appeal = published_appeal(slug)
    announcement = _announcement_or_404(appeal, number)
    if language not in announcement.texts:
        abort(404)
    return frame_content(_message(appeal, announcement, language).html or "")


@blueprint.get("/<int:number>/edit")
@needs(Permission.EDIT)
def edit(slug: str, number: int) -> ResponseReturnValue:
    """Show the form with the draft."""
    appeal = published_appeal(slug)
    announcement = _draft_or_404(appeal, number)
    texts = {code: AnnouncementWording(text.subject, text.body) for code, text in announcement.texts.items()}
    to = Audience(announcement.section_code, announcement.locales, announcement.to_case, announcement.is_rewording)
    return _form(appeal, announcement, TypedAnnouncement(announcement.kind, to, texts, {}))


@blueprint.post("/<int:number>/edit")
@needs(Permission.EDIT)
def save(slug: str, number: int) -> ResponseReturnValue:
    """Store the changes; if someone else has changed the draft in the meantime, show both versions."""
    appeal = published_appeal(slug)
    announcement, form_data = _draft_or_404(appeal, number), _read_form(request.form)
    if not form_data.faults:
        try:
            with _writer_context() as context:
                announce.revise(
                    number,
                    form_data.to,
                    form_data.texts,
                    context=context,
                    expected=request.form.get("seen", ""),
                )
        except InputError as error:
            form_data.faults[error.field] = FAULTS[error.field, error.code]
        except ConflictError:
            return _form(appeal, _draft_or_404(appeal, number), form_data, is_conflict=True), 409
        except StateError:
            return _conflict_redirect(slug, number)
        else:
            flash(gettext("Kept. Nobody has it yet: look at it, and send yourself a test."), "success")
            return redirect(_page_address(slug, number), 303)
    return _form(appeal, announcement, form_data, expected=request.form.get("seen", "")), 422


@blueprint.post("/<int:number>/test")
@needs(Permission.EDIT)
def send_test(slug: str, number: int) -> ResponseReturnValue:
    """Mail a test to the logged-in person only."""
    _announcement_or_404(published_appeal(slug), number)
    language, to = request.form.get("lang", ""), parse_address(member().email)
    name = samples.sample_reader_name(language if language in LOCALES else "en")
    try:
        with _writer_context() as context:
            announce.send_test(number, language, to, context=context, name=name)
    except NotFoundError:
        abort(404)
    except InputError:
        flash(gettext("Nothing is written in that language."), "error")
    else:
        flash(gettext("A test is on its way to %(email)s.", email=to), "success")
    return redirect(url_for("announcement.show", slug=slug, number=number, lang=language), 303)


@blueprint.post("/<int:number>/send")
@needs(Permission.EDIT, fresh=True)
def send(slug: str, number: int) -> ResponseReturnValue:
    """Send the announcement, unless its text or audience has changed since the page was opened."""
    _announcement_or_404(published_appeal(slug), number)
    try:
        with _writer_context() as context:
            announce.send(number, context=context, expected=request.form.get("seen", ""))
    except NotFoundError:
        abort(404)
    except ConflictError:
        flash(gettext("Somebody has changed it since you looked. Please look at it again before it goes out."), "error")
    except StateError:
        return _conflict_redirect(slug, number)
    return redirect(_page_address(slug, number), 303)


@blueprint.post("/<int:number>/recall")
@needs(Permission.EDIT)
def recall(slug: str, number: int) -> ResponseReturnValue:
    """Recall the announcement before its mails are sent: it becomes a draft again."""
    return _change_state(slug, number, "recall")


@blueprint.post("/<int:number>/stop")
@needs(Permission.EDIT)
def stop(slug: str, number: int) -> ResponseReturnValue:
    """Stop the sending; mails that are still in the outbox are not sent."""
    return _change_state(slug, number, "stop")


@blueprint.post("/<int:number>/discard")
@needs(Permission.EDIT)
def discard(slug: str, number: int) -> ResponseReturnValue:
    """Delete the draft."""
    return _change_state(slug, number, "discard")


def _change_state(slug: str, number: int, act: str) -> ResponseReturnValue:
    """Recall, stop or discard the announcement, and redirect with the message of that act."""
    _announcement_or_404(published_appeal(slug), number)
    change, message = {
        "recall": (announce.recall, gettext("Taken back: it is a draft again, and nobody has it.")),
        "stop": (announce.stop, gettext("Stopped: what has not left stays.")),
        "discard": (announce.discard, gettext("The draft is gone.")),
    }[act]
    try:
        with _writer_context() as context:
            change(number, context=context)
    except NotFoundError:
        abort(404)
    except StateError:
        return _conflict_redirect(slug, number)
    flash(message, "success")
    return redirect(url_for("announcement.index", slug=slug) if act == "discard" else _page_address(slug, number), 303)


def _conflict_redirect(slug: str, number: int) -> ResponseReturnValue:
    flash(gettext("That is no longer possible: see how it stands now."), "error")
    return redirect(_page_address(slug, number), 303)


def _read_form(form: MultiDict[str, str]) -> TypedAnnouncement:
    """Return the values of the form with all errors; leave out languages with neither subject nor text."""
    texts = {}
    faults: dict[str, object] = {}
    for code in LOCALES:
        subject, body = form.get(f"subject_{code}", ""), unix_lines(form.get(f"body_{code}", ""))
        if not subject.strip() and not body.strip():
            continue
        texts[code] = AnnouncementWording(subject, body)
        for field, values in (("subject", (subject, "x")), ("body", ("x", body))):
            try:
                check_text(*values)
            except InputError as error:
                faults[f"{field}_{code}"] = FAULTS[field, error.code]
    if not texts:
        faults["texts"] = FAULTS["texts", "missing"]
    kind = form.get("kind", "")
    if kind not in ANNOUNCED:
        faults["kind"] = FAULTS["kind", "unknown"]
    locales = tuple(code for code in LOCALES if code in form.getlist("locales"))
    to = Audience(form.get("section") or None, locales, "case" in form, "rewording" in form)
    return TypedAnnouncement(kind, to, texts, faults)


def _form(
    appeal: AppealView,
    announcement: AnnouncementView | None,
    form_data: TypedAnnouncement,
    *,
    expected: str | None = None,
    is_conflict: bool = False,
) -> str:
    """Return the form; `expected` is the edition that the person saw when they opened it."""
    own_section_code = None if scope().may(Permission.COORDINATE) else scope().section
    with all_sections():
        section = form_data.to.section_code if own_section_code is None else own_section_code
        people = audience(appeal.id, section)
        earlier_people = audience(appeal.id, section, is_rewording=True)
        has_related = len(case_appeal_ids(appeal.id)) > 1
        case_people = audience(appeal.id, section, to_case=True) if has_related else people
    return _render(
        "announcement_form",
        appeal,
        announcement=announcement,
        form_data=form_data,
        original=announcement.edition if announcement is not None and expected is None else expected,
        is_conflict=is_conflict,
        people=people,
        has_related=has_related,
        earlier_people=sum(earlier_people.values()),
        more_people=sum(case_people.values()) - sum(people.values()),
        own_section_code=own_section_code,
        kinds=ANNOUNCED,
        opened_languages=set(form_data.texts) or {current_locale()},
    )


def _render(template: str, appeal: AppealView, **values: object) -> str:
    """Return a page about announcements with the values that all of them need."""
    return render_template(
        f"staff/announcements/{template}.html",
        appeal=appeal,
        text=appeal.text_in(current_locale()),
        section_names=section_names(),
        announcement_states=ANNOUNCEMENT_STATES,
        message_names=MESSAGE_NAMES,
        local_time=_local_time,
        **values,
    )


def _message(appeal: AppealView, announcement: AnnouncementView, language: str) -> Message:
    """Return the announcement as it is mailed in one language, with sample data."""
    settings, text = runtime().settings, announcement.texts[language]
    announced = AnnouncedText(language, text.subject, text.body, announcement.is_rewording)
    return samples.preview_announcement(
        announcement.kind, appeal, announced, sender=settings.mail_from, base_url=settings.base_url
    )


def _announcement_or_404(appeal: AppealView, number: int) -> AnnouncementView:
    """Return the announcement; answer 404 if it is for a section whose announcements this person may not see."""
    may_see = {None, scope().section}
    is_for_all = scope().may(Permission.COORDINATE)
    with all_sections():
        announcement = find_announcement(number)
    if (
        announcement is None
        or announcement.appeal_id != appeal.id
        or not (is_for_all or announcement.section_code in may_see)
    ):
        abort(404)
    return announcement


def _draft_or_404(appeal: AppealView, number: int) -> AnnouncementView:
    announcement = _announcement_or_404(appeal, number)
    if announcement.state != AnnouncementState.DRAFT or not scope().may_edit_for(announcement.section_code):
        abort(404)
    return announcement


@contextmanager
def _writer_context() -> Iterator[Context]:
    """Yield the context of the logged-in person; a coordinator gets database access to all sections."""
    context = staff_context()
    with all_sections():
        yield context


def _page_address(slug: str, number: int) -> str:
    return url_for("announcement.show", slug=slug, number=number)


def _now() -> datetime:
    return runtime().clock()


def _local_time(moment: datetime) -> str:
    """Return the moment in the time zone of this person's section, formatted in the page's language."""
    local = moment.astimezone(ZoneInfo(own_section().time_zone))
    return f"{format_date(local, locale=current_locale())}, {format_time(local, 'short', locale=current_locale())}"
