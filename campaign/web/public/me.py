"""My data: everything that is held under one address, and leaving."""

from __future__ import annotations

from flask import Blueprint, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from campaign.domain.errors import TokenError
from campaign.domain.token import Purpose
from campaign.extensions.runtime import runtime
from campaign.queries.signature import signatures_of_same_address
from campaign.services.withdraw import erase, set_updates, withdraw
from campaign.web.locale import PREFIX
from campaign.web.public.token import read, unusable

blueprint = Blueprint("me", __name__)


@blueprint.get(f"{PREFIX}/m/<token>/me")
def show(token: str) -> ResponseReturnValue:
    """What we hold under this address."""
    try:
        found = signatures_of_same_address(read(Purpose.MANAGE, token), runtime().vault)
    except TokenError as error:
        return unusable(error)
    return render_template("public/me.html", signatures=found, token=token)


@blueprint.post(f"{PREFIX}/m/<token>/me")
def change(token: str) -> ResponseReturnValue:
    """Withdraws, erases, or changes the consent to updates, at once."""
    at = runtime()
    try:
        found = signatures_of_same_address(read(Purpose.MANAGE, token), at.vault)
    except TokenError as error:
        return unusable(error)
    chosen = request.form.get("signature", "")
    wanted = [signature for signature in found if str(signature.id) == chosen or chosen == "all"]
    for signature in wanted:
        match request.form.get("do"):
            case "withdraw":
                withdraw(signature.id, now=at.clock())
            case "erase":
                erase(signature.id, now=at.clock())
            case "updates":
                set_updates(signature.id, wanted=bool(request.form.get("updates")), now=at.clock())
            case _:
                break
    return redirect(url_for("me.show", token=token), 303)
