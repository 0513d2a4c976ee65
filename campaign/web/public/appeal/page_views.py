"""The counting of page views, if TOCSIN_PAGE_VIEWS is on: a number without any data about persons.

The response cache answers most requests before the application sees them, so the page's script reports each view.
"""

from __future__ import annotations

from flask import Blueprint, Response, abort, request

from campaign.domain.signing.signature import clean_via
from campaign.platform import limiter
from campaign.platform.network import client_networks
from campaign.platform.runtime import runtime
from campaign.services.abuse.limits import admit_view
from campaign.services.counting.funnel_counts import count_view
from campaign.web.caching.data_cache import data_cache
from campaign.web.http.locale import LOCALE_PREFIX, current_locale
from campaign.web.public.appeal.pages import is_signable_anywhere, published_appeal_or_404
from campaign.web.public.context import supporter_context
from campaign.web.public.signing.sign import via_of_page

# The limits are by network, as for signing. They are higher, because there are more readers than signers.
_LIMITS = "120 per minute; 2000 per hour"
blueprint = Blueprint("page_views", __name__)


def _is_off() -> bool:
    return not runtime().settings.page_views


@blueprint.post(f"{LOCALE_PREFIX}/appeals/<slug>/viewed")
@limiter.limit(_LIMITS, exempt_when=_is_off)
def create(slug: str) -> Response:
    """Count one view, unless the reader refuses tracking or the appeal takes no signatures; 404 if counting is off."""
    if _is_off():
        abort(404)
    appeal, context = published_appeal_or_404(slug), supporter_context()
    section = data_cache().section_for(_country(), current_locale(), appeal)
    refuses_tracking = "1" in (request.headers.get("Sec-GPC"), request.headers.get("DNT"))
    is_counted = not refuses_tracking and is_signable_anywhere(appeal, context.now)
    if section is not None and is_counted and admit_view(appeal, client_networks(), context=context):
        count_view(appeal.id, section.code, clean_via(via_of_page()), context=context)
    return Response(status=204)


def _country() -> str:
    """Return the country of the first browser language that has one, such as CA of `fr-CA`; else ""."""
    for tag in request.accept_languages.values():
        for part in tag.replace("_", "-").split("-")[1:]:
            if len(part) == 2 and part.isascii() and part.isalpha():
                return part.upper()
    return ""
