"""The sections: the list, adding one, changing one; for those who administer."""

from __future__ import annotations

from typing import Any
from zoneinfo import available_timezones

from flask import Blueprint, abort, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext

from campaign.domain.country import country_names, language_name
from campaign.domain.errors import ConflictError, InvalidFieldsError, NotFoundError
from campaign.domain.sections.section import INTERNATIONAL
from campaign.domain.sections.section_fields import claimed_countries
from campaign.domain.staff.roles import Permission
from campaign.queries.sections.section import find_section, list_sections, next_position
from campaign.services.sections.edit_section import add_section, set_section
from campaign.web.http.locale import current_locale
from campaign.web.staff.appeals.editing import EditConflict, Values, merge, read_seen, seen_field
from campaign.web.staff.field_errors import faults
from campaign.web.staff.sections.section_names import section_names
from campaign.web.staff.staff.access import needs, staff_context
from campaign.web.staff.staff.security_texts import text_languages

blueprint = Blueprint("section", __name__, url_prefix="/sections")
# Reserved by RFC 2606: the shipped list has no other addresses.
_PLACEHOLDER_ENDING = ".example"


@blueprint.get("")
@needs(Permission.ADMINISTER)
def index() -> ResponseReturnValue:
    """Return every section."""
    names = section_names()
    listed = sorted(list_sections(), key=lambda each: (each.code == INTERNATIONAL, names[each.code].casefold()))
    return render_template(
        "staff/sections/sections.html",
        listed=listed,
        names=names,
        rest=INTERNATIONAL,
        placeholders={section.code for section in listed if section.contact.endswith(_PLACEHOLDER_ENDING)},
    )


@blueprint.get("/new")
@needs(Permission.ADMINISTER)
def show_new() -> ResponseReturnValue:
    """Return the empty form."""
    empty: Values = dict.fromkeys(("name", "time_zone", "contact", "reply_to"), "")
    lists: Values = {"countries": [], "languages": [], "tile": None}
    return _page("", empty | lists | {"position": next_position()})


@blueprint.post("/new")
@needs(Permission.ADMINISTER)
def add() -> ResponseReturnValue:
    """Make the section."""
    code, typed = request.form.get("code", "").strip().lower(), _typed({})
    try:
        add_section(code, typed, context=staff_context())
    except InvalidFieldsError as error:
        return _page("", typed, code_typed=code, wrong=error.faults), 422
    flash(gettext("The section is there. Invite its people under “Staff”."), "success")
    return redirect(url_for("section.index"), 303)


@blueprint.get("/<code>")
@needs(Permission.ADMINISTER)
def show(code: str) -> ResponseReturnValue:
    """Return the form of one section."""
    return _page(code, find_section(code) or abort(404))


@blueprint.post("/<code>")
@needs(Permission.ADMINISTER)
def save(code: str) -> ResponseReturnValue:
    """Store the section."""
    before = read_seen()
    typed = _typed(before)
    try:
        set_section(code, typed, before, context=staff_context())
    except NotFoundError:
        abort(404)
    except InvalidFieldsError as error:
        return _page(code, typed, before=before, wrong=error.faults), 422
    except ConflictError as error:
        merged = merge(typed, before, error.current)
        return _page(code, merged.values, before=error.current, merged=merged), 409
    flash(gettext("Kept."), "success")
    return redirect(url_for("section.index"), 303)


def _typed(before: Values) -> Values:
    """Return the form's fields as `checked_section` expects them.

    Languages stay in their order, the main one first.
    """
    form, shown_languages = request.form, before.get("languages")
    order = shown_languages if isinstance(shown_languages, list) else []
    further = form.getlist("languages")
    main = [code for code in (form.get("language", ""),) if code]
    tile = [form.get(name, "").strip() for name in ("tile_column", "tile_row")]
    position = form.get("position", "").strip()
    return {
        "name": form.get("name", "").strip(),
        "countries": sorted(form.getlist("countries")),
        "languages": [*dict.fromkeys(main + [code for code in order if code in further] + further)],
        "time_zone": form.get("time_zone", "").strip(),
        "contact": form.get("contact", "").strip(),
        "reply_to": form.get("reply_to", "").strip(),
        "tile": [_number(part) for part in tile] if any(tile) else None,
        "position": _number(position),
    }


def _number(text: str) -> int | str:
    return int(text) if text.isascii() and text.isdigit() and len(text) < 7 else text


def _page(
    code: str,
    values: Values,
    *,
    before: Values | None = None,
    code_typed: str = "",
    wrong: dict[str, str] | None = None,
    merged: EditConflict | None = None,
) -> str:
    """Return the form; `code` is empty for a new section, `before` is what the person saw when they began."""
    locale, names, sections = current_locale(), section_names(), list_sections()
    rivals = claimed_countries(code or code_typed, values["countries"], values["languages"], sections)
    return render_template(
        "staff/sections/section.html",
        code=code,
        code_typed=code_typed,
        name=names.get(code, ""),
        values=values,
        seen=seen_field(values if before is None else before),
        wrong=faults(wrong or {}),
        rivals=[(country, names[section.code]) for country, section in rivals.items()] if wrong else [],
        theirs=_with_names(merged.theirs) if merged else {},
        is_conflict=merged is not None,
        ended=None,
        doubts={},
        countries=_chosen_first(country_names(locale), values["countries"]),
        languages=_chosen_first(text_languages(locale), values["languages"]),
        zones=sorted(available_timezones()),
        rest=INTERNATIONAL,
    )


def _chosen_first(named: Any, chosen: list[str]) -> list[tuple[str, str]]:
    """Return codes with names, the chosen ones first, including codes that are in no list."""
    known = dict(named)
    first = {code: known.get(code, code) for code in chosen}
    return [*first.items(), *((code, name) for code, name in known.items() if code not in first)]


def _with_names(theirs: Values) -> Values:
    """Return the values that someone else has stored, with names instead of codes."""
    locale = current_locale()
    countries, shown = dict(country_names(locale)), {name: str(value) for name, value in theirs.items()}
    if "countries" in theirs:
        shown["countries"] = "\n".join(countries.get(code, code) for code in theirs["countries"])
    if "languages" in theirs:
        shown["languages"] = "\n".join(language_name(code, locale) for code in theirs["languages"])
    if "tile" in theirs:
        shown["tile"] = " / ".join(map(str, theirs["tile"] or ()))
    return shown
