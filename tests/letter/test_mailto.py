"""Mail links decode to the same letter, also at the limit of every client, and cut no paragraph."""

from __future__ import annotations

import dataclasses
from urllib.parse import parse_qs, quote, unquote, urlsplit

import pytest

from campaign.letter.mailto import (
    _BUILDERS,
    ANY_CLIENT,
    GMAIL,
    OUTLOOK,
    WINDOWS,
    YAHOO,
    MailClient,
    MailLink,
    MailLinkFit,
    MailRecipients,
    mail_links,
    mail_recipients,
    mailto,
)
from campaign.letter.plain_text import Letter
from tests.letter.letters import LETTERS, long, target

RECIPIENTS = MailRecipients(("minister+1@interior.example", "büro@interior.example"), ("embassy@interior.example",))


def decoded(url: str) -> dict[str, str]:
    """Return the letter that a client reads from a link by RFC 6068, or by its own parameters."""
    parts = urlsplit(url)
    if parts.scheme == "mailto":
        fields = dict(field.partition("=")[::2] for field in parts.query.split("&"))
        return {"to": unquote(parts.path), **{name: unquote(value, errors="strict") for name, value in fields.items()}}
    fields = {name: values[0] for name, values in parse_qs(parts.query, strict_parsing=True, errors="strict").items()}
    fields["subject"] = fields.pop("su", fields.get("subject", ""))
    return fields


def by_client(links: tuple[MailLink, ...]) -> dict[MailClient, MailLink]:
    return {link.client: link for link in links}


@pytest.mark.parametrize("language", LETTERS)
def test_a_link_decodes_to_the_same_letter(language: str) -> None:
    letter = LETTERS[language]
    said = decoded(mailto(RECIPIENTS, letter.subject, letter.text))
    assert said["body"].replace("\r\n", "\n") == letter.text
    assert "\n" not in said["body"].replace("\r\n", "")
    assert said["subject"] == letter.subject
    assert said["to"].split(",") == list(RECIPIENTS.to)
    assert said["cc"] == "embassy@interior.example"


@pytest.mark.parametrize("paragraphs", [1, 3, 8, 15, 40, 150])
@pytest.mark.parametrize("language", LETTERS)
def test_every_client_gets_as_many_whole_paragraphs_as_it_accepts(language: str, paragraphs: int) -> None:
    letter = long(LETTERS[language], paragraphs)
    texts = [letter.text, *(shorter.text for shorter in letter.shorter_versions())]
    found = by_client(mail_links(RECIPIENTS, letter))
    for client, link in found.items():
        assert len(link.url) <= client.limit
        body = decoded(link.url).get("body", "").replace("\r\n", "\n")
        if link.fit is MailLinkFit.EMPTY:
            assert body == ""
        else:
            place = texts.index(body)
            assert (place == 0) is (link.fit is MailLinkFit.WHOLE)
            assert letter.paragraphs[-1] in body
            assert body.startswith(letter.salutation)
            assert body.endswith(letter.name)
    assert set(found) == {ANY_CLIENT, WINDOWS, GMAIL, OUTLOOK, YAHOO}, "with two addressees, Outlook has its own link"
    alone = MailRecipients(RECIPIENTS.to[:1], RECIPIENTS.copies)
    is_long = len(mailto(alone, letter.subject, letter.text)) > WINDOWS.limit
    assert (WINDOWS in by_client(mail_links(alone, letter))) is is_long


def letters_at_limit(language: str, client: MailClient, middle: int = 0) -> tuple[Letter, Letter]:
    """Return a letter whose link has exactly the length that the client accepts, and one longer by a character.

    With `middle`, both have a further paragraph of that many characters, without which the letter fits.
    """
    letter = LETTERS[language]

    def padded(text: str) -> Letter:
        return dataclasses.replace(letter, paragraphs=(f"{letter.paragraphs[-1]} {text}", letter.paragraphs[-1]))

    def longer(one: Letter) -> Letter:
        between = (letter.paragraphs[0][0] * middle,) if middle else ()
        return dataclasses.replace(one, paragraphs=(one.paragraphs[0], *between, one.paragraphs[-1]))

    sign = letter.salutation[1]
    room = client.limit - len(_BUILDERS[client.code](RECIPIENTS, letter.subject, padded("").text))
    assert room > 0
    whole, rest = divmod(room, len(quote(sign)))
    exact = sign * whole + "x" * rest
    return longer(padded(exact)), longer(padded(exact + "x"))


def link_for(client: MailClient, letter: Letter) -> MailLink:
    """Return the link for that client.

    A program on Windows has its own link only if the general one is too long for it.
    """
    found = by_client(mail_links(RECIPIENTS, letter))
    return found.get(client, found[ANY_CLIENT])


CLIENTS = pytest.mark.parametrize(
    "client", [ANY_CLIENT, WINDOWS, GMAIL, OUTLOOK, YAHOO], ids=lambda client: client.code
)


@CLIENTS
@pytest.mark.parametrize("language", LETTERS)
def test_a_letter_at_the_limit_is_complete_and_a_longer_one_is_not(language: str, client: MailClient) -> None:
    fitting, too_long = letters_at_limit(language, client)
    link = link_for(client, fitting)
    assert (len(link.url), link.fit) == (client.limit, MailLinkFit.WHOLE)
    assert decoded(link.url)["body"].replace("\r\n", "\n") == fitting.text
    assert decoded(link.url)["subject"] == fitting.subject
    cut = link_for(client, too_long)
    assert (cut.client, cut.fit) == (client, MailLinkFit.SHORTER)
    assert decoded(cut.url)["body"].replace("\r\n", "\n") == next(too_long.shorter_versions()).text


@CLIENTS
@pytest.mark.parametrize("language", LETTERS)
def test_a_shortened_letter_at_the_limit_is_offered_and_a_longer_one_is_not(language: str, client: MailClient) -> None:
    fitting, too_long = letters_at_limit(language, client, middle=ANY_CLIENT.limit)
    link = link_for(client, fitting)
    assert (link.client, len(link.url), link.fit) == (client, client.limit, MailLinkFit.SHORTER)
    longest, last = fitting.shorter_versions()
    assert decoded(link.url)["body"].replace("\r\n", "\n") == longest.text
    cut = link_for(client, too_long)
    assert (cut.client, cut.fit) == (client, MailLinkFit.SHORTER)
    assert decoded(cut.url)["body"].replace("\r\n", "\n") == last.text


def test_a_link_filled_by_subject_or_addresses_has_the_addresses_only() -> None:
    letter = LETTERS["ru"]
    huge = dataclasses.replace(letter, subject="Щ" * 2000)
    for client, link in by_client(mail_links(RECIPIENTS, huge)).items():
        if client is not ANY_CLIENT:
            assert link.fit is MailLinkFit.EMPTY
        assert len(link.url) <= client.limit


def test_outlook_gets_semicolons_and_all_others_commas() -> None:
    copies = ("c@x.example", "d@x.example")
    found = by_client(mail_links(MailRecipients(("a@x.example", "b@x.example"), copies), LETTERS["fr"]))
    for client, between in ((ANY_CLIENT, ","), (WINDOWS, ";"), (GMAIL, ","), (OUTLOOK, ";"), (YAHOO, ",")):
        said = decoded(found[client].url)
        assert said["to"].split(between) == ["a@x.example", "b@x.example"], client
        assert said["cc"].split(between) == list(copies), client


def test_copies_go_to_the_named_recipients_once() -> None:
    found = mail_recipients(
        (
            target(1, emails=("a@x.example", "b@x.example")),
            target(2, kind="copy", emails=("b@x.example", "c@x.example", "c@x.example")),
            target(3, kind="embassy", emails=("d@x.example",)),
        )
    )
    assert found == MailRecipients(("a@x.example", "b@x.example"), ("c@x.example",)), "an embassy gets a separate mail"


def test_without_an_authoritys_address_the_mail_goes_to_the_copies() -> None:
    copies = target(1), target(2, kind="copy", emails=("c@x.example", "d@x.example", "c@x.example"))
    assert mail_recipients(copies) == MailRecipients(("c@x.example", "d@x.example"), ())
    assert mail_recipients((target(1), target(3, kind="embassy", emails=("e@x.example",)))) is None
