"""The lifecycle of an appeal: review, publishing, returning, ending, outcome, and its continuation."""

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
from campaign.services.appeals.continuation import follow
from campaign.web.staff.appeals.editing import found
from campaign.web.staff.appeals.editor import page
from campaign.web.staff.field_errors import fault
from campaign.web.staff.staff.access import needs, staff_context

blueprint = Blueprint("lifecycle", __name__, url_prefix="/appeals/<slug>")


@blueprint.post("/request-review")
@needs(Permission.EDIT)
def ask(slug: str) -> ResponseReturnValue:
    """Ask for the draft to be published."""
    said = gettext("Those who can publish it have been told by mail.")
    return _done(slug, lambda: lifecycle.ask(slug, context=staff_context()), said)


@blueprint.post("/return-for-changes")
@needs(Permission.EDIT)
def send_back(slug: str) -> ResponseReturnValue:
    """Withdraw the request for review, or return the draft to the person who asked."""
    words = request.form.get("words", "")
    said = gettext("It is a draft again.")
    return _done(slug, lambda: lifecycle.send_back(slug, words, context=staff_context()), said)


@blueprint.post("/publish")
@needs(Permission.COORDINATE, fresh=True)
def publish(slug: str) -> ResponseReturnValue:
    """Open the appeal for signatures, as it was when the page was opened."""
    sent = request.form.get("revision", "")
    revision = int(sent) if sent.isascii() and sent.isdigit() and len(sent) < 18 else None
    said = gettext("It is public now.")
    return _done(slug, lambda: lifecycle.publish(slug, context=staff_context(), revision=revision), said)


@blueprint.post("/close")
@needs(Permission.COORDINATE, fresh=True)
def close(slug: str) -> ResponseReturnValue:
    """Close the appeal before its deadline."""
    return _done(slug, lambda: lifecycle.close(slug, context=staff_context()), gettext("It is closed."))


@blueprint.post("/stop")
@needs(Permission.COORDINATE, fresh=True)
def stop(slug: str) -> ResponseReturnValue:
    """Stop the appeal, with the reason in the languages that were written."""
    told = _outcomes()

    def end() -> None:
        if not lifecycle.stop(slug, context=staff_context(), outcome=told) and any(told.values()):
            raise StateError("somebody else has stopped it; what was written is not told yet")

    return _done(slug, end, gettext("It is stopped, and its page says so."))


@blueprint.post("/outcome")
@needs(Permission.COORDINATE)
def outcome(slug: str) -> ResponseReturnValue:
    """Report on its page what became of the case."""

    def tell() -> None:
        for language, body in _outcomes().items():
            seen = request.form.get(f"seen_{language}", "")
            lifecycle.set_outcome(slug, language, body, context=staff_context(), seen=seen)

    return _done(slug, tell, gettext("Its page tells it."))


@blueprint.post("/follows")
@needs(Permission.EDIT)
def follows(slug: str) -> ResponseReturnValue:
    """Say which appeal it follows."""
    earlier, seen = request.form.get("follows", "") or None, request.form.get("seen_follows", "")
    return _done(slug, lambda: follow(slug, earlier, context=staff_context(), seen=seen), gettext("Kept."))


@blueprint.post("/continuation")
@needs(Permission.EDIT)
def continuation(slug: str) -> ResponseReturnValue:
    """Say for the own section what comes after the deadline."""

    def say() -> None:
        until = None
        if request.form.get("goes") == "on":
            try:
                until = date.fromisoformat(request.form.get("until", ""))
            except ValueError as error:
                raise InputError("until", "no-date", "no date") from error
        elif request.form.get("goes") != "stop":
            raise InputError("goes", "unknown", "neither on nor stop")
        lifecycle.set_continuation(slug, until, context=staff_context(), seen=request.form.get("seen_continuation", ""))

    return _done(slug, say, gettext("Kept. Your supporters read it on the appeal’s page."))


def _outcomes() -> dict[str, str]:
    return {
        language: request.form[f"outcome_{language}"] for language in LOCALES if f"outcome_{language}" in request.form
    }


def _done(slug: str, act: Callable[[], object], said: str) -> ResponseReturnValue:
    """Run the act and redirect to the appeal's page; an error is shown there, with the input."""
    typed = request.form.to_dict()
    try:
        act()
    except NotFoundError:
        abort(404)
    except InputError as error:
        return page(found(slug), wrong={error.field: fault(error.field, error.code)}, typed=typed), 422
    except ConflictError as error:
        words = gettext("It was changed while you were reading. Please look at it once more.")
        return page(found(slug), wrong={"publish": words}, typed=typed, theirs=error.current), 409
    except FourEyesError:
        words = gettext("You have written some of it: somebody else has to publish it.")
        return page(found(slug), wrong={"publish": words}), 422
    except StateError:
        words = gettext("That is not possible as it stands. Please look at the page once more.")
        return page(found(slug), wrong={"publish": words}, typed=typed), 422
    flash(said, "success")
    return redirect(url_for("editor.show", slug=slug), 303)
