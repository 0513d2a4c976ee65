"""Links that open the letter in the supporter's own mail program (RFC 6068)."""

from __future__ import annotations

from urllib.parse import quote

from campaign.domain.appeal import TargetKind
from campaign.queries.appeal import TargetView


def mailto(targets: tuple[TargetView, ...], subject: str, body: str) -> str | None:
    """The letter to every primary target that has an address, with copies; None where nobody has one."""
    to = [email for target in targets if target.kind == TargetKind.PRIMARY for email in target.emails]
    copies = [email for target in targets if target.kind != TargetKind.PRIMARY for email in target.emails]
    if not to:
        return None
    fields = [("cc", ",".join(copies))] if copies else []
    fields += [("subject", subject), ("body", body.replace("\n", "\r\n"))]
    query = "&".join(f"{name}={quote(value, safe='')}" for name, value in fields)
    return "mailto:" + ",".join(quote(email, safe="@") for email in to) + "?" + query
