"""Contact lines taken apart: e-mails, faxes, phones, accounts; the words around them are kept in a warning."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from functools import cache

from campaign.document.labels import vocabulary
from campaign.document.text.emphasis import links, plain
from campaign.document.text.lines import Ledger, Line, shown
from campaign.document.text.normalise import fold, has_words, key
from campaign.document.text.paragraphs import safe_target

SOCIAL = ("twitter", "facebook", "instagram")
_NUMBER = re.compile(r"(?:\+|\(|00|\d)[\d ()+./\-]{2,60}(?: ?(?:ext|extn|extension|poste|int|ext)\.? ?\d{1,6})?")
_EXTENSION = re.compile(r"(?<!\w)(?:ext|extn|extension|poste|interne|interno|anexo|ramal|durchwahl|app)[.: \"]{0,4}$")
_EMAIL = re.compile(r"^[^\s@<>()\[\],;:\"]{1,100}@[^\s@<>()\[\],;:\"/]{1,200}\.[^\W\d_]{2,24}$")
_GOES_ON = re.compile(r"[a-z0-9-]{2,40}(?:\.[a-z0-9-]{2,40}){0,4}[.,;)]?$")
_SPACED = re.compile(r"^[^\s@]{1,100}@[^\s@]{1,200}\.$")
_DISGUISED = re.compile(r"[\[({] ?(?:at|arroba|arobase|aro?base|chiocciola) ?[\])}]")
_ACCOUNT = re.compile(r"@[A-Za-z0-9_.]{1,50}|https?://\S{1,300}")
_PARTED = re.compile(r"[,;]|\s/\s|\s\|\s|\s+(?=[^\s@]{1,100}@)")
_WHOLE = 5  # digits; fewer are an area code
_SHORT = 120  # characters; a salutation is no longer
_EDGES = " \t,;|/·•–—-"


@dataclass(slots=True)
class Contacts:
    """What the contact lines of one target say."""

    emails: list[str] = field(default_factory=list)
    faxes: list[str] = field(default_factory=list)
    phones: list[str] = field(default_factory=list)
    social: dict[str, str] = field(default_factory=dict)
    salutation: str | None = None
    pending: str | None = None  # a word such as `Fax:` whose value stands on the next line


@dataclass(frozen=True, slots=True)
class ContactPiece:
    """A part of a line: a contact word's kind and the text after it; kind None is text before any."""

    kind: str | None
    text: str


@cache
def _words() -> re.Pattern[str]:
    """Every contact word, longest first, where a colon, a number or an address follows it."""
    names: dict[str, str] = {}
    for kind, phrases in vocabulary().contacts.items():
        for phrase in phrases:
            names.setdefault(r"[ .\-/'’()]{1,3}".join(re.escape(word) for word in phrase.words), kind)
    ordered = sorted(names, key=lambda name: -len(name))
    groups = [
        f"(?P<{kind}>" + "|".join(name for name in ordered if names[name] == kind) + ")"
        for kind in sorted(set(names.values()))
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


def split(text: str) -> list[ContactPiece]:
    """A line in pieces, each beginning with its contact word."""
    folded = fold(text)
    pieces: list[ContactPiece] = []
    at, kind = 0, None
    for match in _words().finditer(folded):
        name = match.lastgroup
        if name == "twitter" and folded[match.start() : match.end()].strip(" *_:") == "x" and ":" not in match.group():
            continue
        before = text[at : match.start()]
        if kind is not None or has_words(before):
            pieces.append(ContactPiece(kind, _trim(before)))
        at, kind = match.end(), name
    if kind is not None or not pieces:
        rest = text[at:]
        as_written = kind == "salutation" or not pieces
        pieces.append(ContactPiece(kind, rest.strip() if as_written and kind in {None, "salutation"} else _trim(rest)))
    return pieces


def _trim(text: str) -> str:
    """Without what parts it from its neighbours: commas, bars, and the capital I that stands for a bar."""
    bare = text.strip(_EDGES)
    while bare.endswith((" I", " l")) or bare == "I":
        bare = bare[:-1].strip(_EDGES)
    if bare.startswith("("):
        return bare if ")" in bare else bare[1:]
    return bare.removesuffix(".") if bare.endswith(".") and not bare.endswith("..") else bare


def has_contact(text: str) -> bool:
    """Whether a line holds a contact word with its value, an e-mail address or an account."""
    bare = without_links(text)
    return any(piece.kind for piece in split(bare)) or is_emails(bare) or bare.strip().startswith("@")


def without_links(text: str) -> str:
    """The line as plain text; a mail link is its address."""
    if "](" not in text:
        return plain(text)
    pieces: list[str] = []
    at = 0
    for link in links(text):
        target = safe_target(link.target) or ""
        if target.startswith("mailto:") and "@" not in link.text and not link.is_image:
            pieces += [text[at : link.start], target.removeprefix("mailto:")]
            at = link.end
    return plain("".join(pieces) + text[at:])


def is_emails(text: str) -> bool:
    """Whether nothing but e-mail addresses stands there."""
    parts = [part for part in _PARTED.split(text) if part and part.strip()]
    return bool(parts) and all(_EMAIL.match(part.strip(" <>()*_.")) for part in parts)


def read(line: Line, contacts: Contacts, ledger: Ledger) -> str | None:
    """Adds what the line says to the contacts; returns the text on it that is no contact, if any."""
    _check_links(line, ledger)
    left: str | None = None
    for piece in split(without_links(line.text)):
        kind = piece.kind
        if kind is None and contacts.pending and _fits(contacts.pending, piece.text):
            kind = contacts.pending
        contacts.pending = None
        if kind is None and is_emails(piece.text):
            kind = "email"
        elif kind is None and _ACCOUNT.fullmatch(piece.text.strip()) and piece.text.strip().startswith("@"):
            ledger.warn("contact-note", f"an account of no named network: {shown(piece.text)}", line.number)
            continue
        if kind is None:
            left = piece.text
        elif not has_words(piece.text) and not piece.text.strip():
            contacts.pending = kind
        else:
            _put(kind, piece.text, contacts, line, ledger)
    return left if left and has_words(left) else None


def awaits_salutation(text: str) -> bool:
    """Whether a line ends in the word for a salutation that stands below it."""
    last = split(without_links(text))[-1]
    return last.kind == "salutation" and not has_words(last.text)


def _fits(kind: str, text: str) -> bool:
    if kind == "email":
        return "@" in text
    if kind in {"fax", "phone", "both"}:
        return bool(_NUMBER.match(text))
    if kind == "salutation":
        return len(text) < _SHORT
    return kind in SOCIAL and bool(_ACCOUNT.match(text))


def _put(kind: str, text: str, contacts: Contacts, line: Line, ledger: Ledger) -> None:
    if kind == "email":
        _put_emails(text, contacts, line, ledger)
    elif kind == "both":
        _put_numbers("phone", text, contacts, line, ledger)
        _put_numbers("fax", text, contacts, line, ledger)
    elif kind in {"fax", "phone"}:
        _put_numbers(kind, text, contacts, line, ledger)
    elif kind == "salutation":
        bare = text.strip(" ()")
        contacts.salutation = (bare.rstrip("] ") if "[" not in bare else bare) or None
    elif kind in SOCIAL:
        _put_account(kind, text, contacts, line, ledger)
    else:
        ledger.warn("contact-note", f"another way to reach the target: {shown(without_links(line.text))}", line.number)


def _put_emails(text: str, contacts: Contacts, line: Line, ledger: Ledger) -> None:
    rest: list[str] = []
    for part in _PARTED.split(text):
        for token in (part or "").split():
            address = token.strip(" <>()[]*_.,;")
            if _EMAIL.match(address) and not token.endswith(".@"):
                if address not in contacts.emails:
                    contacts.emails.append(address)
            else:
                rest.append(token)
    if all(key(token) in vocabulary().words("or") for token in rest):
        return
    spelt = " ".join(text.split())
    protected = ("email" in key(spelt) and "protected" in key(spelt)) or _DISGUISED.search(fold(spelt))
    if protected:
        ledger.warn("email-hidden", f"the address is hidden: {shown(spelt)}", line.number)
        return
    tokens = spelt.split()
    for at, token in enumerate(tokens[:-1]):
        if "@" in token and (
            tokens[at + 1].startswith(".") or (_SPACED.match(token) and _GOES_ON.match(tokens[at + 1]))
        ):
            whole = (token + tokens[at + 1]).strip(" ,;")
            cut = token.strip(" ,;.")
            if cut in contacts.emails:
                contacts.emails.remove(cut)
            ledger.warn(
                "email-broken",
                f"a space stands in the address {shown(token + ' ' + tokens[at + 1])}; perhaps {whole}",
                line.number,
            )
            return
    code = "email-broken" if any("@" in token for token in rest) else "contact-note"
    ledger.warn(code, f"not an e-mail address alone: {shown(spelt)}", line.number)


def _put_numbers(kind: str, text: str, contacts: Contacts, line: Line, ledger: Ledger) -> None:
    held = contacts.faxes if kind == "fax" else contacts.phones
    rest: list[str] = []
    at = 0
    for match in _NUMBER.finditer(text):
        number = match.group()
        if number.count("(") > number.count(")"):
            number = number[: number.rindex("(")]
        end = match.start() + len(number)
        if sum(char.isdigit() for char in number) < 4 or _EXTENSION.search(fold(text[at : match.start()])):
            continue
        rest.append(text[at : match.start()])
        at = end
        for part in _several(number):
            if (bare := part.strip(" ,;./-")) and bare not in held:
                held.append(bare)
    rest.append(text[at:])
    note = " ".join(part.strip(" ,;/|") for part in rest if has_words(part)).strip()
    if note and key(note) not in {"or", "and", "ou", "et", "y", "o", "und", "oder", "e"}:
        word = "fax" if kind == "fax" else "phone"
        ledger.warn("contact-note", f"words beside the {word} number: {shown(note)}", line.number)


def _several(number: str) -> list[str]:
    """The numbers that a slash parts; behind an area code alone it parts nothing: `030 / 27 59 09 15`."""
    parts = re.split(r" / | ?/ ?(?=[+(0]|\d{5})", number)
    return parts if all(sum(char.isdigit() for char in part) >= _WHOLE for part in parts) else [number]


def _put_account(kind: str, text: str, contacts: Contacts, line: Line, ledger: Ledger) -> None:
    found = _ACCOUNT.findall(text)
    value = found[0].rstrip(".,;") if found else ""
    rest = text.replace(found[0], "", 1).strip(_EDGES) if found else text
    if not found and len(text.split()) == 1:
        value, rest = text.strip(_EDGES), ""
    if value and kind not in contacts.social:
        contacts.social[kind] = value
    elif value and contacts.social[kind] != value:
        rest = text
    if has_words(rest):
        ledger.warn("contact-note", f"words beside the {kind} account: {shown(rest)}", line.number)


def _check_links(line: Line, ledger: Ledger) -> None:
    """A link that hides something else than its text says is never taken over silently."""
    if "](" not in line.text:
        return
    for link in links(line.text):
        target = link.target
        if target.lower().startswith("mailto:"):
            address = re.split(r"[?&]|%0[aAdD]", target[7:], maxsplit=1)[0]
            if address != target[7:]:
                ledger.warn(
                    "mail-headers-dropped",
                    f"a mail link carries more than an address: {shown(target)}",
                    line.number,
                )
            if "@" not in link.text and has_words(link.text):
                ledger.warn("contact-note", f"words that link to an address: {shown(link.text)}", line.number)
            elif address.lower() != link.text.strip().lower():
                ledger.warn(
                    "link-differs",
                    f"the link goes to another address: {shown(link.text)} → {shown(address)}",
                    line.number,
                )
        elif not target.lower().startswith(("http://", "https://")):
            ledger.warn(
                "link-dropped",
                f"a link that is no web or mail address is left out: {shown(target)}",
                line.number,
            )
