"""Texts that are hostile to a parser, in each place of a document: of one mark, of labels, of targets, of addresses."""

from __future__ import annotations

from campaign.document.reading import MAX_CHARACTERS_HERE, MAX_LINES_HERE
from tests.document.support.forms import NEW

UNITS = {
    "blank lines": "\n",
    "labels": "TAKE ACTION:\n",
    "labels on one line": "PLEASE SEND APPEALS BEFORE 1 MAY 2026 TO: ",
    "label words": "PLEASE SEND APPEALS BEFORE ",
    "targets": "Minister of Works A B\nStreet 1\nTown\n\n",
    "targets with contacts": "Minister A B\nEmail: a@b.example\nSalutation: Dear Minister,\n",
    "short blocks": "Name: A B (he)\nDeadline: 12 May 2026\nFax: 1234567\n",
    "colons": ":",
    "lines of a colon": ":\n",
    "stars": "*",
    "words behind stars": "*a ",
    "brackets": "(",
    "square brackets": "[",
    "closing brackets": "]",
    "links": "[a](",
    "images": "![a](b)",
    "one long word": "a",
    "short lines": "a\n",
    "deep quotes": ">",
    "lines of quotes": ">>>>>> a\n",
    "digits": "1",
    "numbers": "12/22 ",
    "dates": "12 May 2026 ",
    "at signs": "@",
    "addresses": "a@b.example, ",
    "lines of addresses": "a@b.example\n",
    "hidden addresses": "a [at] b.example ",
    "spaces": " ",
    "words and spaces": "a" + " " * 60,
    "tabs": "\t",
    "zero-width spaces": "\u200b",
    "tags": "<a ",
    "scripts": "<script>",
    "references": "UA 12/22 ",
    "lines of references": "UA 12/22\n",
    "indexes": "EUR 57/",
    "salutations": "Dear Sir,\n",
    "closings": "Yours sincerely, ",
    "bullets": "- a\n",
    "contacts": "Fax: +1 (",
    "roles": "Minister\n",
    "placeholders": "[NAME] ",
    "hyphens": "a-\n",
    "soft hyphens": "a\u00ad\n",
    "wrapped lines": "lorem ipsum dolor sit amet consectetur adipiscing elit sed do eiusmod\n",
}
PLACES = {
    "alone": "{}",
    "in the summary": NEW.replace("{", "").replace("**Rosa Telar", "{} Rosa Telar", 1),
    "in the address": NEW.replace("Carrera 8", "{}", 1),
    "in the letter": NEW.replace("I write because", "{}", 1),
    "in the background": NEW.replace("The upper valley", "{}", 1),
    "in the name": NEW.replace("Rosa Telar Muestra (she/her)", "{}", 1),
}


def hostile_text(place: str, name: str, size: int) -> str:
    """Return a document of that many characters, filled in its place by the repeated unit."""
    before, after = PLACES[place].split("{}")
    unit = UNITS[name]
    return before + (unit * (size // len(unit) + 1))[: max(size - len(before) - len(after), 0)] + after


def short_text(place: str, name: str) -> str:
    """Return the longest such document that a web process parses itself."""
    lines = hostile_text(place, name, MAX_CHARACTERS_HERE - 1000).split("\n")
    excess = len(lines) - MAX_LINES_HERE
    middle = len(PLACES[place].partition("{}")[0].split("\n"))
    return "\n".join(lines[:middle] + lines[middle + max(excess, 0) :])
