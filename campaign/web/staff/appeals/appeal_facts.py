"""The facts of an appeal: its name in addresses, goal, deadline, country, who takes part, the sender's safety."""

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
    read_seen,
    refusal_page,
    refuse_ended,
)
from campaign.web.staff.staff.access import needs, staff_context
from campaign.web.staff.staff.security_texts import text_languages

blueprint = Blueprint("appeal_facts", __name__, url_prefix="/appeals/<slug>/facts")


@blueprint.get("")
@needs(Permission.EDIT)
def show(slug: str) -> ResponseReturnValue:
    """Return the form."""
    edited = editable_or_404(slug)
    return _page(edited, edited.facts, before=edited.facts)


@blueprint.post("")
@needs(Permission.EDIT)
def save(slug: str) -> ResponseReturnValue:
    """Keep the facts; the slug may be another one afterwards."""
    edited, before = own_appeal_or_404(slug), read_seen()
    typed = _typed(before)
    try:
        refuse_ended(edited)
        slug = set_facts(slug, typed, before, context=staff_context())
    except (InvalidFieldsError, StateError) as error:
        return refusal_page(error, partial(_page, edited), typed, before, slug)
    except NotFoundError:
        abort(404)
    flash(gettext("Kept."), "success")
    return redirect(url_for("editor.show", slug=slug, _anchor="facts"), 303)


def _typed(before: dict[str, Any]) -> dict[str, Any]:
    """Return the form's fields by the names of the facts.

    Chosen languages stay in the order in which the document has them.
    """
    form = request.form
    goal = form.get("goal", "").strip()
    shown_languages = before.get("languages")
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


def _page(edited: AppealForEditing, values: dict[str, Any], **shown: Any) -> str:
    locale = current_locale()
    sections = [
        (section.code, section_name(section.code, section.name, locale))
        for section in list_sections()
        if section.code != INTERNATIONAL
    ]
    return render_template(
        "staff/appeals/appeal_facts.html",
        **form_values(edited, **shown),
        is_draft=edited.appeal.state == AppealState.DRAFT,
        values=values,
        countries=country_names(locale),
        languages=text_languages(locale),
        sections=sorted(sections, key=lambda pair: pair[1].casefold()),
    )
