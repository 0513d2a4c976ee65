"""Links that open the letter in the supporter's own mail program (RFC 6068) or in a web mail.

Each program cuts, refuses or ignores a link beyond its limit. So each link contains as many whole paragraphs as fit,
and states whether that is the whole letter. The limits, in characters of the finished link:

- Programs on Windows: Outlook behind Chrome, Firefox or Edge takes 2,046 and opens nothing beyond; ShellExecute takes
  2,083 (INTERNET_MAX_URL_LENGTH; electron/electron#9987, sdmtr/electromagnet#2).
- Elsewhere (phones, macOS, Linux) no limit is documented; Outlook takes 31,888 where no browser opens it.
- Gmail answers 413 somewhere between 6,410 and 8,132 (defund12/defund12.org#893).
- Outlook, on Windows and on the web, takes semicolons between addresses. A comma separates them only where the user has
  set it so ("Commas can be used to separate multiple message recipients"); else Outlook looks for one recipient of
  that name.
- Outlook on the web answered 400 beyond 2,100 (EFForg/action-center-platform#205); other sources give about 2,048.
  It ignores `cc`, so the page shows those addresses, too.
- Yahoo documents no limit and gets the smallest.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from enum import StrEnum
from urllib.parse import quote

from campaign.domain.appeals.appeal import TargetKind
from campaign.letter.plain_text import Letter
from campaign.queries.appeals.appeal import TargetView


class MailLinkFit(StrEnum):
    """The part of the letter that a link contains."""

    WHOLE = "whole"
    SHORTER = "shorter"
    EMPTY = "empty"


@dataclass(frozen=True, slots=True)
class MailClient:
    """A mail program or web mail, and the longest link that it takes."""

    code: str
    name: str
    limit: int


ANY_CLIENT = MailClient("any", "", 30_000)
WINDOWS = MailClient("windows", "Outlook", 2_000)
GMAIL = MailClient("gmail", "Gmail", 6_000)
OUTLOOK = MailClient("outlook", "Outlook.com", 2_000)
YAHOO = MailClient("yahoo", "Yahoo", 2_000)


@dataclass(frozen=True, slots=True)
class MailLink:
    """A link that opens the letter there, and the part of the letter that it contains."""

    client: MailClient
    url: str
    fit: MailLinkFit


@dataclass(frozen=True, slots=True)
class MailRecipients:
    """The addresses of the mail and of its copies."""

    to: tuple[str, ...]
    copies: tuple[str, ...]


def mail_recipients(targets: tuple[TargetView, ...]) -> MailRecipients | None:
    """Return the primary targets' addresses with copies to the others, or the others alone; None without any address.

    Embassies are left out, because each gets its own mail.
    """
    primary_addresses = [email for target in targets if target.kind == TargetKind.PRIMARY for email in target.emails]
    copy_addresses = [email for target in targets if target.kind == TargetKind.COPY for email in target.emails]
    to = dict.fromkeys(primary_addresses or copy_addresses)
    return (
        MailRecipients(tuple(to), tuple(email for email in dict.fromkeys(copy_addresses) if email not in to))
        if to
        else None
    )


def mail_links(recipients: MailRecipients, letter: Letter) -> tuple[MailLink, ...]:
    """Return one link for each client, in the order of the page.

    WINDOWS is included only where its link differs: the letter is too long for it, or there are several addresses.
    """
    links = [_fitting_link(client, recipients, letter) for client in (ANY_CLIENT, WINDOWS, GMAIL, OUTLOOK, YAHOO)]
    has_several_addresses = len(recipients.to) > 1 or len(recipients.copies) > 1
    return tuple(
        link
        for link in links
        if link.client is not WINDOWS or link.fit is not MailLinkFit.WHOLE or has_several_addresses
    )


def mailto(recipients: MailRecipients, subject: str, body: str, separator: str = ",") -> str:
    """Return the link by RFC 6068: commas between addresses, line breaks as %0D%0A, other text percent-encoded."""
    fields = (
        [("cc", separator.join(quote(email, safe="@") for email in recipients.copies))] if recipients.copies else []
    )
    fields += [("subject", _quoted(subject)), ("body", _quoted(body))]
    query = "&".join(f"{name}={value}" for name, value in fields if value)
    return "mailto:" + separator.join(quote(email, safe="@") for email in recipients.to) + "?" + query


def _windows(recipients: MailRecipients, subject: str, body: str) -> str:
    return mailto(recipients, subject, body, ";")


def _fitting_link(client: MailClient, recipients: MailRecipients, letter: Letter) -> MailLink:
    """Return the client's link with as much of the letter as its limit allows."""
    build = _BUILDERS[client.code]
    url = build(recipients, letter.subject, letter.text)
    if len(url) <= client.limit:
        return MailLink(client, url, MailLinkFit.WHOLE)
    for shortened in letter.shorter_versions():
        url = build(recipients, letter.subject, shortened.text)
        if len(url) <= client.limit:
            return MailLink(client, url, MailLinkFit.SHORTER)
    url = build(recipients, letter.subject, "")
    if len(url) > client.limit:  # with a very long headline, or very many addresses
        url = build(replace(recipients, copies=()), "", "")
    return MailLink(client, url, MailLinkFit.EMPTY)


def _gmail(recipients: MailRecipients, subject: str, body: str) -> str:
    return _compose_url(
        "https://mail.google.com/mail/", recipients, [("view", "cm"), ("fs", "1")], ("su", subject), ("body", body)
    )


def _outlook(recipients: MailRecipients, subject: str, body: str) -> str:
    base = "https://outlook.live.com/mail/0/deeplink/compose"
    return _compose_url(base, recipients, [], ("subject", subject), ("body", body), separator=";")


def _yahoo(recipients: MailRecipients, subject: str, body: str) -> str:
    return _compose_url("https://compose.mail.yahoo.com/", recipients, [], ("subject", subject), ("body", body))


def _compose_url(
    base: str,
    recipients: MailRecipients,
    leading_fields: list[tuple[str, str]],
    *text_fields: tuple[str, str],
    separator: str = ",",
) -> str:
    """Return the URL of a web mail's compose page, with the fields that have a value."""
    fields = [
        *leading_fields,
        ("to", separator.join(recipients.to)),
        ("cc", separator.join(recipients.copies)),
        *text_fields,
    ]
    return base + "?" + "&".join(f"{name}={_quoted(value)}" for name, value in fields if value)


def _quoted(text: str) -> str:
    return quote(text.replace("\n", "\r\n"), safe="")


_BUILDERS: dict[str, Callable[[MailRecipients, str, str], str]] = {
    ANY_CLIENT.code: mailto,
    WINDOWS.code: _windows,
    GMAIL.code: _gmail,
    OUTLOOK.code: _outlook,
    YAHOO.code: _yahoo,
}
