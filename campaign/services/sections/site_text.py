"""Editing of the texts on the site's own pages, such as the imprint."""

from __future__ import annotations

from campaign.domain.errors import InputError
from campaign.domain.sections.site_page import MAX_CHARACTERS, SitePage
from campaign.domain.staff.roles import Permission
from campaign.models import SiteText
from campaign.platform.context import Context
from campaign.platform.database.transaction import transaction
from campaign.services.staff.audit import AuditRecord, append


def write_site_text(page: SitePage, language: str, body: str, *, context: Context) -> None:
    """Store the page's Markdown in that language; an empty body removes it.

    The audit log gets the previous and the new text. Raises NotFoundError (not for this role), InputError (`body`: too
    long).
    """
    context.actor.require(Permission.ADMINISTER)
    body = body.replace("\x00", "").strip()
    if len(body) > MAX_CHARACTERS:
        raise InputError("body", "too-long", f"a page has at most {MAX_CHARACTERS} characters, not {len(body)}")
    with transaction() as session:
        row = session.get(SiteText, (page.value, language))
        before = "" if row is None else row.body
        if body == before:
            return
        if row is not None and not body:
            session.delete(row)
        elif row is not None:
            row.body, row.changed_at = body, context.now
        else:
            session.add(SiteText(page=page.value, language=language, body=body, changed_at=context.now))
        record = AuditRecord(
            "text.set",
            f"page:{page.value}:{language}",
            before={"body": before or None},
            after={"body": body or None},
            is_public=True,
        )
        append(session, record, context=context)
