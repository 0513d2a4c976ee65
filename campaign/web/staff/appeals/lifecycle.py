"""The lifecycle of an appeal: review, publishing, closing and stopping, outcome, and continuation."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date

from flask import Blueprint, abort, flash, redirect, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext

from campaign.config import LOCALES
from campaign.domain.errors import ConflictError, FourEyesError, InputError, NotFoundError, StateError
from campaign.domain.staff.roles import Permission
from campaign.services.appeals import lifecycle
from campaign.services.appeals.related_appeals import follow
from campaign.web.staff.appeals.editing import appeal_or_404
from campaign.web.staff.appeals.editor import page
from campaign.web.staff.field_errors import error_text
from campaign.web.staff.staff.access import needs, staff_context
from campaign.web.staff.staff_form import read_number

blueprint = Blueprint("lifecycle", __name__, url_prefix="/appeals/<slug>")


@blueprint.post("/request-review")
@needs(Permission.EDIT)
def request_review(slug: str) -> ResponseReturnValue:
    """Request the review of the draft, and notify the people who can publish it."""
    message = gettext("Those who can publish it have been told by mail.")
    return _run(slug, lambda: lifecycle.request_review(slug, context=staff_context()), message)


@blueprint.post("/return-for-changes")
@needs(Permission.EDIT)
def return_for_changes(slug: str) -> ResponseReturnValue:
    """Withdraw one's own request for review, or return the draft to the person who requested it."""
    explanation = request.form.get("words", "")
    message = gettext("It is a draft again.")
    return _run(slug, lambda: lifecycle.return_for_changes(slug, explanation, context=staff_context()), message)


@blueprint.post("/publish")
@needs(Permission.COORDINATE, fresh=True)
def publish(slug: str) -> ResponseReturnValue:
    """Open the appeal for signatures, unless it has changed since the page was opened."""
    revision = read_number(request.form.get("revision", ""))
    message = gettext("It is public now.")
    return _run(slug, lambda: lifecycle.publish(slug, context=staff_context(), revision=revision), message)


@blueprint.post("/close")
@needs(Permission.COORDINATE, fresh=True)
def close(slug: str) -> ResponseReturnValue:
    """Close the appeal before its deadline."""
    return _run(slug, lambda: lifecycle.close(slug, context=staff_context()), gettext("It is closed."))


@blueprint.post("/stop")
@needs(Permission.COORDINATE, fresh=True)
def stop(slug: str) -> ResponseReturnValue:
    """Stop the appeal, with the reason in each language in which it was typed."""
    outcomes = _read_outcomes()

    def stop_appeal() -> None:
        if not lifecycle.stop(slug, context=staff_context(), outcome=outcomes) and any(outcomes.values()):
            raise StateError("somebody else has stopped it; what was written is not told yet")

    return _run(slug, stop_appeal, gettext("It is stopped, and its page says so."))


@blueprint.post("/outcome")
@needs(Permission.COORDINATE)
def save_outcomes(slug: str) -> ResponseReturnValue:
    """Publish the outcome of the case on the appeal's page."""

    def set_outcomes() -> None:
        for language, body in _read_outcomes().items():
            expected = request.form.get(f"seen_{language}", "")
            lifecycle.set_outcome(slug, language, body, context=staff_context(), expected=expected)

    return _run(slug, set_outcomes, gettext("Its page tells it."))


@blueprint.post("/follows")
@needs(Permission.EDIT)
def save_earlier_appeal(slug: str) -> ResponseReturnValue:
    """Save which appeal this one follows."""
    earlier, expected = request.form.get("follows", "") or None, request.form.get("seen_follows", "")
    return _run(slug, lambda: follow(slug, earlier, context=staff_context(), expected=expected), gettext("Kept."))


@blueprint.post("/continuation")
@needs(Permission.EDIT)
def save_continuation(slug: str) -> ResponseReturnValue:
    """Save whether this person's section continues after the deadline, and until when."""

    def set_continuation() -> None:
        until = None
        if request.form.get("goes") == "on":
            try:
                until = date.fromisoformat(request.form.get("until", ""))
            except ValueError as error:
                raise InputError("until", "no-date", "no date") from error
        elif request.form.get("goes") != "stop":
            raise InputError("goes", "unknown", "neither on nor stop")
        lifecycle.set_continuation(
            slug, until, context=staff_context(), expected=request.form.get("seen_continuation", "")
        )

    return _run(slug, set_continuation, gettext("Kept. Your supporters read it on the appeal’s page."))


def _read_outcomes() -> dict[str, str]:
    return {
        language: request.form[f"outcome_{language}"] for language in LOCALES if f"outcome_{language}" in request.form
    }


def _run(slug: str, act: Callable[[], object], message: str) -> ResponseReturnValue:
    """Run the act and redirect to the appeal's page with the message. Show a refusal on that page, with the input."""
    input_values = request.form.to_dict()
    try:
        act()
    except NotFoundError:
        abort(404)
    except InputError as error:
        return page(
            appeal_or_404(slug), faults={error.field: error_text(error.field, error.code)}, input_values=input_values
        ), 422
    except ConflictError as error:
        fault_text = gettext("It was changed while you were reading. Please look at it once more.")
        return page(
            appeal_or_404(slug), faults={"publish": fault_text}, input_values=input_values, stored_values=error.current
        ), 409
    except FourEyesError:
        fault_text = gettext("You have written some of it: somebody else has to publish it.")
        return page(appeal_or_404(slug), faults={"publish": fault_text}), 422
    except StateError:
        fault_text = gettext("That is not possible as it stands. Please look at the page once more.")
        return page(appeal_or_404(slug), faults={"publish": fault_text}, input_values=input_values), 422
    flash(message, "success")
    return redirect(url_for("editor.show", slug=slug), 303)
