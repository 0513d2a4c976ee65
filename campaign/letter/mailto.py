"""Links that open the letter in the supporter's own mail program (RFC 6068) or in a web mail.

Each way cuts, refuses or ignores what is longer than it takes, so each link holds the longest letter of whole
paragraphs that fits, and says whether that is the whole one. The limits, in characters of the finished address:

- Programs on Windows: Outlook behind Chrome, Firefox or Edge takes 2,046 and opens nothing beyond; ShellExecute takes
  2,083 (INTERNET_MAX_URL_LENGTH; electron/electron#9987, sdmtr/electromagnet#2).
- Elsewhere (phones, macOS, Linux) no limit is documented; Outlook asked without a browser takes 31,888.
- Gmail answers 413 somewhere between 6,410 and 8,132 (defund12/defund12.org#893).
- Outlook, on Windows and on the web, takes semicolons between addresses. A comma parts them only where somebody has set
  it so ("Commas can be used to separate multiple message recipients"); else it finds nobody of that name.
- Outlook on the web answered 400 beyond 2,100 (EFForg/action-center-platform#205); about 2,048 is what is told of it.
  It ignores `cc`, so the page names those addresses, too.
- Yahoo names none: it gets the smallest.
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
    """How much of the letter a link holds."""

    WHOLE = "whole"
    SHORTER = "shorter"
    EMPTY = "empty"


@dataclass(frozen=True, slots=True)
class MailClient:
    """A way to write mail, and how long an address it takes."""

    code: str
    name: str
    limit: int


ANY = MailClient("any", "", 30_000)
WINDOWS = MailClient("windows", "Outlook", 2_000)
GMAIL = MailClient("gmail", "Gmail", 6_000)
OUTLOOK = MailClient("outlook", "Outlook.com", 2_000)
YAHOO = MailClient("yahoo", "Yahoo", 2_000)


@dataclass(frozen=True, slots=True)
class MailLink:
    """An address that opens the letter there, and how much of it it holds."""

    client: MailClient
    url: str
    fit: MailLinkFit


@dataclass(frozen=True, slots=True)
class MailRecipients:
    """Whom the mail goes to, and who gets a copy."""

    to: tuple[str, ...]
    copies: tuple[str, ...]


def recipients(targets: tuple[TargetView, ...]) -> MailRecipients | None:
    """The primary targets' addresses, with copies to the others, or those alone; None where nobody has an address.

    An embassy is none of them: it gets a mail of its own.
    """
    primary = [email for target in targets if target.kind == TargetKind.PRIMARY for email in target.emails]
    others = [email for target in targets if target.kind == TargetKind.COPY for email in target.emails]
    to = dict.fromkeys(primary or others)
    return MailRecipients(tuple(to), tuple(email for email in dict.fromkeys(others) if email not in to)) if to else None


def mail_links(whom: MailRecipients, letter: Letter) -> tuple[MailLink, ...]:
    """Return one link for each client, in the order of the page.

    `windows` only where it differs: the whole letter is too long for it, or there are several addresses.
    """
    links = [_fitted(client, whom, letter) for client in (ANY, WINDOWS, GMAIL, OUTLOOK, YAHOO)]
    is_several = len(whom.to) > 1 or len(whom.copies) > 1
    return tuple(
        link for link in links if link.client is not WINDOWS or link.fit is not MailLinkFit.WHOLE or is_several
    )


def mailto(whom: MailRecipients, subject: str, body: str, between: str = ",") -> str:
    """RFC 6068: addresses by comma, line breaks as %0D%0A, everything else in UTF-8 percent-encoded."""
    fields = [("cc", between.join(quote(email, safe="@") for email in whom.copies))] if whom.copies else []
    fields += [("subject", _quoted(subject)), ("body", _quoted(body))]
    query = "&".join(f"{name}={value}" for name, value in fields if value)
    return "mailto:" + between.join(quote(email, safe="@") for email in whom.to) + "?" + query


def _windows(whom: MailRecipients, subject: str, body: str) -> str:
    return mailto(whom, subject, body, ";")


def _fitted(client: MailClient, whom: MailRecipients, letter: Letter) -> MailLink:
    build = _BUILDERS[client.code]
    url = build(whom, letter.subject, letter.text)
    if len(url) <= client.limit:
        return MailLink(client, url, MailLinkFit.WHOLE)
    for shorter in letter.shorter():
        url = build(whom, letter.subject, shorter.text)
        if len(url) <= client.limit:
            return MailLink(client, url, MailLinkFit.SHORTER)
    url = build(whom, letter.subject, "")
    if len(url) > client.limit:  # a headline that long, or that many addresses
        url = build(replace(whom, copies=()), "", "")
    return MailLink(client, url, MailLinkFit.EMPTY)


def _gmail(whom: MailRecipients, subject: str, body: str) -> str:
    return _web("https://mail.google.com/mail/", whom, [("view", "cm"), ("fs", "1")], ("su", subject), ("body", body))


def _outlook(whom: MailRecipients, subject: str, body: str) -> str:
    base = "https://outlook.live.com/mail/0/deeplink/compose"
    return _web(base, whom, [], ("subject", subject), ("body", body), between=";")


def _yahoo(whom: MailRecipients, subject: str, body: str) -> str:
    return _web("https://compose.mail.yahoo.com/", whom, [], ("subject", subject), ("body", body))


def _web(
    base: str, whom: MailRecipients, first: list[tuple[str, str]], *last: tuple[str, str], between: str = ","
) -> str:
    fields = [*first, ("to", between.join(whom.to)), ("cc", between.join(whom.copies)), *last]
    return base + "?" + "&".join(f"{name}={_quoted(value)}" for name, value in fields if value)


def _quoted(text: str) -> str:
    return quote(text.replace("\n", "\r\n"), safe="")


_BUILDERS: dict[str, Callable[[MailRecipients, str, str], str]] = {
    ANY.code: mailto,
    WINDOWS.code: _windows,
    GMAIL.code: _gmail,
    OUTLOOK.code: _outlook,
    YAHOO.code: _yahoo,
}
