"""The sections: the list, and adding and changing a section; for administrators."""

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
from campaign.web.staff.appeals.editing import EditConflict, Values, merge, original_field, read_original
from campaign.web.staff.field_errors import error_texts
from campaign.web.staff.locale import text_languages
from campaign.web.staff.sections.section_names import section_names
from campaign.web.staff.staff.access import needs, staff_context

blueprint = Blueprint("section", __name__, url_prefix="/sections")
# A domain reserved by RFC 2606. All addresses in the list of sections that comes with Tocsin end so.
_PLACEHOLDER_ENDING = ".example"


@blueprint.get("")
@needs(Permission.ADMINISTER)
def index() -> ResponseReturnValue:
    """Show all sections."""
    names = section_names()
    sections = sorted(
        list_sections(), key=lambda section: (section.code == INTERNATIONAL, names[section.code].casefold())
    )
    return render_template(
        "staff/sections/sections.html",
        sections=sections,
        section_names=names,
        international_code=INTERNATIONAL,
        placeholders={section.code for section in sections if section.contact.endswith(_PLACEHOLDER_ENDING)},
    )


@blueprint.get("/new")
@needs(Permission.ADMINISTER)
def show_new() -> ResponseReturnValue:
    """Show the form for a new section."""
    empty: Values = dict.fromkeys(("name", "time_zone", "contact", "reply_to"), "")
    lists: Values = {"countries": [], "languages": [], "tile": None}
    return _page("", empty | lists | {"position": next_position()})


@blueprint.post("/new")
@needs(Permission.ADMINISTER)
def add() -> ResponseReturnValue:
    """Add the section."""
    code, input_values = request.form.get("code", "").strip().lower(), _read_form({})
    try:
        add_section(code, input_values, context=staff_context())
    except InvalidFieldsError as error:
        return _page("", input_values, typed_code=code, faults=error.faults), 422
    flash(gettext("The section is there. Invite its people under “Staff”."), "success")
    return redirect(url_for("section.index"), 303)


@blueprint.get("/<code>")
@needs(Permission.ADMINISTER)
def show(code: str) -> ResponseReturnValue:
    """Show the form of one section."""
    return _page(code, find_section(code) or abort(404))


@blueprint.post("/<code>")
@needs(Permission.ADMINISTER)
def save(code: str) -> ResponseReturnValue:
    """Save the section."""
    original = read_original()
    input_values = _read_form(original)
    try:
        set_section(code, input_values, original, context=staff_context())
    except NotFoundError:
        abort(404)
    except InvalidFieldsError as error:
        return _page(code, input_values, original=original, faults=error.faults), 422
    except ConflictError as error:
        merged = merge(input_values, original, error.current)
        return _page(code, merged.values, original=error.current, merged=merged), 409
    flash(gettext("Kept."), "success")
    return redirect(url_for("section.index"), 303)


def _read_form(original: Values) -> Values:
    """Return the form's fields as `checked_section` expects them.

    The main language comes first; languages that were chosen before stay in their order.
    """
    form, shown_languages = request.form, original.get("languages")
    order = shown_languages if isinstance(shown_languages, list) else []
    further = form.getlist("languages")
    main_language = form.get("language", "")
    main = [main_language] if main_language else []
    tile = [form.get(name, "").strip() for name in ("tile_column", "tile_row")]
    position = form.get("position", "").strip()
    return {
        "name": form.get("name", "").strip(),
        "countries": sorted(form.getlist("countries")),
        "languages": [*dict.fromkeys(main + [code for code in order if code in further] + further)],
        "time_zone": form.get("time_zone", "").strip(),
        "contact": form.get("contact", "").strip(),
        "reply_to": form.get("reply_to", "").strip(),
        "tile": [_read_whole_number(part) for part in tile] if any(tile) else None,
        "position": _read_whole_number(position),
    }


def _read_whole_number(text: str) -> int | str:
    return int(text) if text.isascii() and text.isdigit() and len(text) < 7 else text


def _page(
    code: str,
    values: Values,
    *,
    original: Values | None = None,
    typed_code: str = "",
    faults: dict[str, str] | None = None,
    merged: EditConflict | None = None,
) -> str:
    """Return the form; `code` is empty for a new section, `original` are the values when the form was opened."""
    locale, names, sections = current_locale(), section_names(), list_sections()
    claims = claimed_countries(code or typed_code, values["countries"], values["languages"], sections)
    return render_template(
        "staff/sections/section.html",
        code=code,
        typed_code=typed_code,
        name=names.get(code, ""),
        values=values,
        original=original_field(values if original is None else original),
        faults=error_texts(faults or {}),
        claimed_countries=[(country, names[section.code]) for country, section in claims.items()] if faults else [],
        stored_values=_texts_of_values(merged.stored_values) if merged else {},
        is_conflict=merged is not None,
        end_state=None,
        doubts={},
        countries=_chosen_first(country_names(locale), values["countries"]),
        languages=_chosen_first(text_languages(locale), values["languages"]),
        time_zones=sorted(available_timezones()),
        international_code=INTERNATIONAL,
    )


def _chosen_first(named: Any, chosen: list[str]) -> list[tuple[str, str]]:
    """Return pairs of code and name: first the chosen codes, also those without a name, then all others."""
    names = dict(named)
    chosen_names = {code: names.get(code, code) for code in chosen}
    return [*chosen_names.items(), *((code, name) for code, name in names.items() if code not in chosen_names)]


def _texts_of_values(stored_values: Values) -> Values:
    """Return the values that someone else has stored as texts, with names instead of codes."""
    locale = current_locale()
    countries, shown = dict(country_names(locale)), {name: str(value) for name, value in stored_values.items()}
    if "countries" in stored_values:
        shown["countries"] = "\n".join(countries.get(code, code) for code in stored_values["countries"])
    if "languages" in stored_values:
        shown["languages"] = "\n".join(language_name(code, locale) for code in stored_values["languages"])
    if "tile" in stored_values:
        shown["tile"] = " / ".join(map(str, stored_values["tile"] or ()))
    return shown
