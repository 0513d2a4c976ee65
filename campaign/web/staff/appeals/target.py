"""The form for one target of an appeal, with its words in each language of the appeal."""

from __future__ import annotations

from functools import partial
from typing import Any

from flask import Blueprint, abort, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext

from campaign.domain.appeals.appeal import TargetKind
from campaign.domain.country import country_names
from campaign.domain.errors import InvalidFieldsError, NotFoundError, StateError
from campaign.domain.staff.roles import Permission
from campaign.queries.appeals.editor import AppealForEditing
from campaign.services.appeals.edit_targets import remove_target, write_target
from campaign.web.http.locale import current_locale
from campaign.web.staff.appeals.editing import (
    address_after,
    editable_or_404,
    form_values,
    own_appeal_or_404,
    read_original,
    refusal_page,
    refuse_ended,
)
from campaign.web.staff.staff.access import needs, staff_context

blueprint = Blueprint("target", __name__, url_prefix="/appeals/<slug>/targets/<int:position>")
_EMPTY: dict[str, Any] = {
    "kind": TargetKind.PRIMARY.value,
    "country": None,
    "emails": [],
    "faxes": [],
    "phones": [],
    "social": {},
    "words": {},
}


@blueprint.get("")
@needs(Permission.EDIT)
def show(slug: str, position: int) -> ResponseReturnValue:
    """Show the form; position 0 is a new target."""
    edited_appeal = editable_or_404(slug)
    values = _stored_values(edited_appeal, position)
    return _page(
        edited_appeal, position, values or {**_EMPTY, "country": edited_appeal.appeal.country}, original=values
    )


@blueprint.post("")
@needs(Permission.EDIT)
def save(slug: str, position: int) -> ResponseReturnValue:
    """Save the target."""
    edited_appeal, original = own_appeal_or_404(slug), read_original()
    input_values = _read_form(edited_appeal, original)
    try:
        refuse_ended(edited_appeal)
        write_target(slug, position, input_values, original, context=staff_context())
    except (InvalidFieldsError, StateError, NotFoundError) as error:
        return refusal_page(error, partial(_page, edited_appeal, position), input_values, original, slug)
    flash(gettext("Kept."), "success")
    return redirect(address_after(edited_appeal, "targets", f"target-{position}"), 303)


@blueprint.post("/remove")
@needs(Permission.EDIT)
def remove(slug: str, position: int) -> ResponseReturnValue:
    """Remove the target."""
    editable_or_404(slug)
    try:
        remove_target(slug, position, context=staff_context())
    except NotFoundError:
        abort(404)
    except StateError:
        flash(gettext("An open appeal needs somebody to write to."), "error")
    else:
        flash(gettext("Taken away."), "success")
    return redirect(url_for("editor.show", slug=slug, _anchor="targets"), 303)


def _stored_values(edited_appeal: AppealForEditing, position: int) -> dict[str, Any]:
    return {} if position == 0 else edited_appeal.targets.get(position) or abort(404)


def _read_form(edited_appeal: AppealForEditing, original: dict[str, Any]) -> dict[str, Any]:
    """Return the form's fields by the names of the target; words in languages that the form does not show stay."""
    form = request.form
    stored_words = original.get("words")
    words: dict[str, Any] = dict(stored_words) if isinstance(stored_words, dict) else {}
    for language in edited_appeal.appeal.texts:
        translation: dict[str, Any] = {
            name: form.get(f"{name}_{language}", "").strip() or None for name in ("role", "name", "salutation")
        }
        translation["address"] = _lines(f"address_{language}")
        words.pop(language, None)
        if any(translation.values()):
            words[language] = {name: translation[name] for name in ("role", "name", "address", "salutation")}
    accounts = [line.partition(":") for line in _lines("social")]
    return {
        "kind": form.get("kind", ""),
        "country": form.get("country", "") or None,
        "emails": _lines("emails"),
        "faxes": _lines("faxes"),
        "phones": _lines("phones"),
        "social": {network.strip().lower(): handle.strip() for network, _, handle in accounts},
        "words": words,
    }


def _lines(name: str) -> list[str]:
    return [line.strip() for line in request.form.get(name, "").splitlines() if line.strip()]


def _page(edited_appeal: AppealForEditing, position: int, values: dict[str, Any], **shown: Any) -> str:
    """Return the form with the values; `shown` are further arguments of `form_values`."""
    return render_template(
        "staff/appeals/target.html",
        **form_values(edited_appeal, **shown),
        position=position,
        values=values,
        countries=country_names(current_locale()),
    )
