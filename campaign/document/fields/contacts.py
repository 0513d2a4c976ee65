"""Contact lines split into e-mails, faxes, phones and accounts; a warning quotes the other words on the line."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from functools import cache

from campaign.document.fields.hidden_emails import is_hidden, is_unusable_email, trimmed_email
from campaign.document.labels import vocabulary
from campaign.document.text.emphasis import find_links, plain_text
from campaign.document.text.lines import Line, LineTracker, excerpt
from campaign.document.text.normalise import has_words, normalise, normalised
from campaign.document.text.paragraphs import safe_target

SOCIAL = ("twitter", "facebook", "instagram")
_PHONE_NUMBER = re.compile(r"(?:\+|\(|00|\d)[\d ()+./\-–]{2,60}(?: ?(?:ext|extn|extension|poste|int)\.? ?\d{1,6})?")
_EXTENSION = re.compile(r"(?<!\w)(?:ext|extn|extension|poste|interne|interno|anexo|ramal|durchwahl|app)[.: \"]{0,4}$")
_EMAIL = re.compile(r"^[^\s@<>()\[\],;:\"]{1,100}@[^\s@<>()\[\],;:\"/]{1,200}\.[^\W\d_]{2,24}$")
_SPLIT_ADDRESS_END = re.compile(r"[a-z0-9-]{2,40}(?:\.[a-z0-9-]{2,40}){0,4}[.,;)]?$")
_SPLIT_ADDRESS_START = re.compile(r"^[^\s@]{1,100}@[^\s@]{1,200}\.$")
_ACCOUNT = re.compile(r"@[A-Za-z0-9_.]{1,50}|https?://\S{1,300}")
_LONE_ACCOUNT = re.compile(r"@[A-Za-z0-9_.]{1,50}(?: \([^()]{1,40}\))?")  # `@example_jo (Arabic)`
_SEPARATORS = re.compile(r"[,;]|\s/\s|\s\|\s|\s+(?=[^\s@]{1,100}@)")
_MIN_NUMBER_DIGITS = 5  # fewer are an area code
_MAX_SALUTATION_LENGTH = 120  # characters
_EDGE_MARKS = " \t,;|/·•–—-"


@dataclass(slots=True)
class Contacts:
    """The contact details of one target."""

    emails: list[str] = field(default_factory=list)
    faxes: list[str] = field(default_factory=list)
    phones: list[str] = field(default_factory=list)
    social: dict[str, str] = field(default_factory=dict)
    salutation: str | None = None
    pending_kind: str | None = None  # kind of a word such as `Fax:` whose value is on the next line
    broken_email: str = ""  # the part of an e-mail address before a hyphen at the end of the last line


@dataclass(frozen=True, slots=True)
class ContactPiece:
    """The kind of a contact word and the text after it; kind None is text before the first contact word."""

    kind: str | None
    text: str


@cache
def _contact_word_pattern() -> re.Pattern[str]:
    """Return the pattern of all contact words, longest first, before a colon, a number or an address."""
    kinds_by_pattern: dict[str, str] = {}
    for kind, phrases in vocabulary().contacts.items():
        for phrase in phrases:
            kinds_by_pattern.setdefault(r"[ .\-/'’()]{1,3}".join(re.escape(word) for word in phrase.words), kind)
    patterns = sorted(kinds_by_pattern, key=lambda pattern: -len(pattern))
    groups = [
        f"(?P<{kind}>" + "|".join(pattern for pattern in patterns if kinds_by_pattern[pattern] == kind) + ")"
        for kind in sorted(set(kinds_by_pattern.values()))
    ]
    marks = r"[*_]{0,3}"
    return re.compile(
        r"(?<![\w@./-])(?:"
        + "|".join(groups)
        + r")(?![\w@/-])[)]?s?\.?"
        + marks
        + r"\s{0,3}(?::|(?=[+(\d@\[])|(?=\S{1,100}@))"
        + marks
    )


def split_contacts(text: str) -> list[ContactPiece]:
    """Return a line in pieces, each beginning with its contact word."""
    text_normalised = normalise(text)
    pieces: list[ContactPiece] = []
    start, kind = 0, None
    for match in _contact_word_pattern().finditer(text_normalised):
        found_kind = match.lastgroup
        # The letter X is the network only before a colon.
        if (
            found_kind == "twitter"
            and text_normalised[match.start() : match.end()].strip(" *_:") == "x"
            and ":" not in match.group()
        ):
            continue
        before = text[start : match.start()]
        if kind is not None or has_words(before):
            pieces.append(ContactPiece(kind, _trim_separators(before)))
        start, kind = match.end(), found_kind
    if kind is not None or not pieces:
        rest = text[start:]
        keeps_marks = kind in {None, "salutation"}
        pieces.append(ContactPiece(kind, rest.strip() if keeps_marks else _trim_separators(rest)))
    return pieces


def _trim_separators(text: str) -> str:
    """Return the text without commas and bars at its edges, and without the capital I that stands for a bar."""
    trimmed = text.strip(_EDGE_MARKS)
    while trimmed.endswith((" I", " l")) or trimmed == "I":
        trimmed = trimmed[:-1].strip(_EDGE_MARKS)
    if trimmed.startswith("("):
        return trimmed if ")" in trimmed else trimmed[1:]
    return trimmed.removesuffix(".") if trimmed.endswith(".") and not trimmed.endswith("..") else trimmed


def has_contact(text: str) -> bool:
    """Return whether a line has a contact word with its value, an e-mail address or an account."""
    plain = without_links(text)
    return (
        any(piece.kind for piece in split_contacts(plain))
        or has_only_emails(plain)
        or is_unusable_email(plain)
        or plain.strip().startswith("@")
    )


def without_links(text: str) -> str:
    """Return the line as plain text; a mail link is replaced by its address."""
    if "](" not in text:
        return plain_text(text)
    pieces: list[str] = []
    position = 0
    for link in find_links(text):
        target = safe_target(link.target) or ""
        if target.startswith("mailto:") and "@" not in link.text and not link.is_image:
            pieces += [text[position : link.start], target.removeprefix("mailto:")]
            position = link.end
    return plain_text("".join(pieces) + text[position:])


def has_only_emails(text: str) -> bool:
    """Return whether the text has e-mail addresses and nothing else."""
    parts = [part for part in _SEPARATORS.split(text) if part and part.strip()]
    return bool(parts) and all(_EMAIL.match(trimmed_email(part)) for part in parts)


def read_contacts(line: Line, contacts: Contacts, tracker: LineTracker) -> str | None:
    """Add the line's contact details to `contacts`. Return the text on the line that is no contact, or None."""
    _check_links(line, tracker)
    remainder: str | None = None
    for piece in split_contacts(without_links(line.text)):
        kind = piece.kind
        if kind is None and contacts.pending_kind and _can_be_value(contacts.pending_kind, piece.text):
            kind = contacts.pending_kind
        contacts.pending_kind = None
        if kind is None and (has_only_emails(piece.text) or is_unusable_email(piece.text)):
            kind = "email"
        elif kind is None and _LONE_ACCOUNT.fullmatch(piece.text.strip()):
            tracker.warn("contact-note", f"an account of no named network: {excerpt(piece.text)}", line.number)
            continue
        if kind is None:
            remainder = piece.text
        elif not piece.text.strip():
            contacts.pending_kind = kind
        else:
            _store(kind, piece.text, contacts, line, tracker)
    return remainder if remainder and has_words(remainder) else None


def awaits_salutation(text: str) -> bool:
    """Return whether a line ends in the word for a salutation, so that the next line is its text."""
    last = split_contacts(without_links(text))[-1]
    return last.kind == "salutation" and not has_words(last.text)


def _can_be_value(kind: str, text: str) -> bool:
    """Return whether a text can be the value of a contact word of this kind."""
    if kind == "email":
        return "@" in text
    if kind in {"fax", "phone", "both"}:
        return bool(_PHONE_NUMBER.match(text))
    if kind == "salutation":
        return len(text) < _MAX_SALUTATION_LENGTH
    return kind in SOCIAL and bool(_ACCOUNT.match(text))


def _store(kind: str, text: str, contacts: Contacts, line: Line, tracker: LineTracker) -> None:
    """Add the text after a contact word to the details of its kind, with a warning for what is no such detail."""
    if kind == "email":
        _store_emails(text, contacts, line, tracker)
    elif kind == "both":
        _store_numbers("phone", text, contacts, line, tracker)
        _store_numbers("fax", text, contacts, line, tracker)
    elif kind in {"fax", "phone"}:
        _store_numbers(kind, text, contacts, line, tracker)
    elif kind == "salutation":
        trimmed = text.strip(" ()")
        contacts.salutation = (trimmed.rstrip("] ") if "[" not in trimmed else trimmed) or None
    elif kind in SOCIAL:
        _store_account(kind, text, contacts, line, tracker)
    else:
        tracker.warn(
            "contact-note", f"another way to reach the target: {excerpt(without_links(line.text))}", line.number
        )


def _store_emails(text: str, contacts: Contacts, line: Line, tracker: LineTracker) -> None:
    """Add the e-mail addresses of a text, with a warning if it hides one, splits one by a space or has other words."""
    text = _without_second_half(text, contacts, line, tracker)
    rest: list[str] = []
    for part in _SEPARATORS.split(text):
        for token in (part or "").split():
            address = trimmed_email(token)
            if _EMAIL.match(address) and not token.endswith(".@"):
                if address not in contacts.emails:
                    contacts.emails.append(address)
            else:
                rest.append(token)
    if all(normalised(token) in vocabulary().single_words("or") for token in rest):
        return
    written_text = " ".join(text.split())
    if is_hidden(written_text):
        tracker.warn("email-hidden", f"the address is hidden: {excerpt(written_text)}", line.number)
        return
    tokens = written_text.split()
    for index, token in enumerate(tokens[:-1]):
        if "@" in token and (
            tokens[index + 1].startswith(".")
            or (_SPLIT_ADDRESS_START.match(token) and _SPLIT_ADDRESS_END.match(tokens[index + 1]))
        ):
            complete = (token + tokens[index + 1]).strip(" ,;")
            incomplete = token.strip(" ,;.")
            if incomplete in contacts.emails:
                contacts.emails.remove(incomplete)
            tracker.warn(
                "email-broken",
                f"the address {excerpt(token + ' ' + tokens[index + 1])} has a space; perhaps it is {complete}",
                line.number,
            )
            return
    code = "email-broken" if any("@" in token for token in rest) else "contact-note"
    tracker.warn(code, f"not an e-mail address alone: {excerpt(written_text)}", line.number)


def _without_second_half(text: str, contacts: Contacts, line: Line, tracker: LineTracker) -> str:
    """Return the text without the rest of an address that a hyphen broke on the line above, with a warning for it.

    Half an address may be that of another person, and the hyphen may belong to the address.
    """
    first_half = contacts.broken_email
    last_word = line.text.rstrip(" *_").rpartition(" ")[2]
    contacts.broken_email = last_word if last_word.endswith("-") and "@" not in last_word else ""
    if not first_half or not text.strip():
        return text
    second_half, _, others = text.strip().partition(" ")
    broken = f"{first_half}{second_half.strip(',;')}"
    tracker.warn("email-broken", f"a line ends inside the address {excerpt(broken)}, which is left out", line.number)
    return others


def _store_numbers(kind: str, text: str, contacts: Contacts, line: Line, tracker: LineTracker) -> None:
    """Add the fax or phone numbers of a text, with a warning that quotes its other words."""
    numbers = contacts.faxes if kind == "fax" else contacts.phones
    rest: list[str] = []
    position = 0
    for match in _PHONE_NUMBER.finditer(text):
        number = match.group()
        if number.count("(") > number.count(")"):
            number = number[: number.rindex("(")]
        if number.count(")") > number.count("("):
            number = number[: number.rindex(")")]
        end = match.start() + len(number)
        if sum(char.isdigit() for char in number) < 4 or _EXTENSION.search(normalise(text[position : match.start()])):
            continue
        rest.append(text[position : match.start()])
        position = end
        for part in _separate_numbers(number):
            if (trimmed := part.strip(" ,;./-")) and trimmed not in numbers:
                numbers.append(trimmed)
    rest.append(text[position:])
    note = " ".join(part.strip(" ,;/|") for part in rest if has_words(part)).strip()
    if note and normalised(note) not in {"or", "and", "ou", "et", "y", "o", "und", "oder", "e"}:
        word = "fax" if kind == "fax" else "phone"
        tracker.warn("contact-note", f"words beside the {word} number: {excerpt(note)}", line.number)


def _separate_numbers(number: str) -> list[str]:
    """Return the numbers in a text with slashes. A slash after an area code separates no numbers: `030 / 27 59 09`."""
    parts = re.split(r" / | ?/ ?(?=[+(0]|\d{5})", number)
    return parts if all(sum(char.isdigit() for char in part) >= _MIN_NUMBER_DIGITS for part in parts) else [number]


def _store_account(kind: str, text: str, contacts: Contacts, line: Line, tracker: LineTracker) -> None:
    """Add the account on a network, unless there is one already, with a warning that quotes the other words."""
    accounts = _ACCOUNT.findall(text)
    value = accounts[0].rstrip(".,;") if accounts else ""
    rest = text.replace(accounts[0], "", 1).strip(_EDGE_MARKS) if accounts else text
    if not accounts and len(text.split()) == 1:
        value, rest = text.strip(_EDGE_MARKS), ""
    if value and kind not in contacts.social:
        contacts.social[kind] = value
    elif value and contacts.social[kind] != value:
        rest = text
    if has_words(rest):
        tracker.warn("contact-note", f"words beside the {kind} account: {excerpt(rest)}", line.number)


def _check_links(line: Line, tracker: LineTracker) -> None:
    """Warn of each link whose target differs from its text or is no web or mail address."""
    if "](" not in line.text:
        return
    for link in find_links(line.text):
        target = link.target
        if target.lower().startswith("mailto:"):
            address = re.split(r"[?&]|%0[aAdD]", target[7:], maxsplit=1)[0]
            if address != target[7:]:
                tracker.warn(
                    "mail-headers-dropped",
                    f"a mail link carries more than an address: {excerpt(target)}",
                    line.number,
                )
            if "@" not in link.text and has_words(link.text):
                tracker.warn("contact-note", f"words that link to an address: {excerpt(link.text)}", line.number)
            elif address.lower() != link.text.strip().lower():
                tracker.warn(
                    "link-differs",
                    f"the link goes to another address: {excerpt(link.text)} → {excerpt(address)}",
                    line.number,
                )
        elif not target.lower().startswith(("http://", "https://")):
            tracker.warn(
                "link-dropped",
                f"a link that is no web or mail address is left out: {excerpt(target)}",
                line.number,
            )
