"""What staff open in the morning."""

from __future__ import annotations

from flask import Blueprint, render_template
from flask.typing import ResponseReturnValue

from campaign.domain.staff import Permission
from campaign.web.staff.access import needs

blueprint = Blueprint("dashboard", __name__)


@blueprint.get("/")
@needs(Permission.SEE_COUNTS)
def show() -> ResponseReturnValue:
    """The open appeals."""
    return render_template("staff/dashboard.html")
