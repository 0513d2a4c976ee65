"""The form for an appeal's facts: slug, goal, deadline, country, languages, sections, the sender's safety."""

from __future__ import annotations

from functools import partial
from typing import Any

from flask import Blueprint, abort, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext

from campaign.domain.appeals.appeal import AppealState
from campaign.domain.country import country_names, section_name
from campaign.domain.errors import InvalidFieldsError, NotFoundError, StateError
from campaign.domain.sections.section import INTERNATIONAL
from campaign.domain.staff.roles import Permission
from campaign.queries.appeals.editor import AppealForEditing
from campaign.queries.sections.section import list_sections
from campaign.services.appeals.edit_facts import set_facts
from campaign.web.http.locale import current_locale
from campaign.web.staff.appeals.editing import (
    editable_or_404,
    form_values,
    own_appeal_or_404,
    read_original,
    refusal_page,
    refuse_ended,
)
from campaign.web.staff.locale import text_languages
from campaign.web.staff.staff.access import needs, staff_context

blueprint = Blueprint("appeal_facts", __name__, url_prefix="/appeals/<slug>/facts")


@blueprint.get("")
@needs(Permission.EDIT)
def show(slug: str) -> ResponseReturnValue:
    """Show the form."""
    edited_appeal = editable_or_404(slug)
    return _page(edited_appeal, edited_appeal.facts, original=edited_appeal.facts)


@blueprint.post("")
@needs(Permission.EDIT)
def save(slug: str) -> ResponseReturnValue:
    """Save the facts, and redirect to the appeal under its slug, which may have changed."""
    edited_appeal, original = own_appeal_or_404(slug), read_original()
    input_values = _read_form(original)
    try:
        refuse_ended(edited_appeal)
        slug = set_facts(slug, input_values, original, context=staff_context())
    except (InvalidFieldsError, StateError) as error:
        return refusal_page(error, partial(_page, edited_appeal), input_values, original, slug)
    except NotFoundError:
        abort(404)
    flash(gettext("Kept."), "success")
    return redirect(url_for("editor.show", slug=slug, _anchor="facts"), 303)


def _read_form(original: dict[str, Any]) -> dict[str, Any]:
    """Return the form's fields by the names of the facts.

    Languages that were chosen before stay in their order, which is the document's.
    """
    form = request.form
    goal = form.get("goal", "").strip()
    shown_languages = original.get("languages")
    order = shown_languages if isinstance(shown_languages, list) else []
    languages = form.getlist("languages")
    return {
        "slug": form.get("slug", "").strip(),
        "goal": int(goal) if goal.isascii() and goal.isdigit() and len(goal) < 13 else goal,
        "deadline": form.get("deadline", "").strip() or None,
        "country": form.get("country", "") or None,
        "languages": [code for code in order if code in languages] + [code for code in languages if code not in order],
        "own_language": "own_language" in form,
        "sections": form.getlist("sections"),
        "risk_countries": form.getlist("risk_countries"),
        "initials_only": "initials_only" in form,
    }


def _page(edited_appeal: AppealForEditing, values: dict[str, Any], **shown: Any) -> str:
    """Return the form with the values; `shown` are further arguments of `form_values`."""
    locale = current_locale()
    sections = [
        (section.code, section_name(section.code, section.name, locale))
        for section in list_sections()
        if section.code != INTERNATIONAL
    ]
    return render_template(
        "staff/appeals/appeal_facts.html",
        **form_values(edited_appeal, **shown),
        is_draft=edited_appeal.appeal.state == AppealState.DRAFT,
        values=values,
        countries=country_names(locale),
        languages=text_languages(locale),
        sections=sorted(sections, key=lambda pair: pair[1].casefold()),
    )
