"""The names in the tree against the glossary: one noun for a concept, and one concept for a name.

A name is made of words: `MailboxLimit`, `mailbox_limit` and `mailbox-limit` are the words "mailbox" and "limit". Each
word is a noun of docs/developing/glossary.md or a plain word of the list below. A new noun needs a line in the
glossary, and writing that line shows whether the concept has a noun already.
"""

from __future__ import annotations

import ast
import re
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

import pytest
from flask import Flask

from campaign.config import ROOT
from campaign.factory import create_app
from campaign.models import Appeal
from tests.conftest import settings_for

GLOSSARY = (ROOT / "docs" / "developing" / "glossary.md").read_text(encoding="utf-8")

# Verbs, adjectives and the terms of programming: they name no concept of the domain.
PLAIN = set(
    """
    accept active admitted after already alternates ambiguous announce apart api apply archive area
    assets at atom background base batch beat before began begun behalf blind body broken buffering bundle busy
    by byte change chart check choice choose cli client close column compare compose concurrent config confirm content
    cookie correct count cover create current cut daily database date day delete deliver demand demo detail device
    discard done drop due duplicate email emphasis encoding ended enqueue entered enum erase error exists
    expired expires extension factory fax field file filename filter first fit follows fonts foot for forged
    forget forgotten formats found given glyph group happened healthz host hour html http id ignore
    image ineligible init input insert invalid invalidate invite is issued joined js json kind layout
    like likely load lock logout m maildir mailto main map mark markdown markup match me mended method mime model
    move my name new next normalise not note number oembed offer offline on once one only open option or other
    outgoing overview parsed parser partial pasted pdf people phones pictures piece plain platform png
    paired pool position postgresql postponed preferences previous primary print printable privacy probe process program
    proof protected protocol proxy public queries quoting raised reader readyz reason recent redacted redis
    refusal register reminded remove repeat rescue resend result robots s sample save schema
    seal search seeds select send sent server services serving setup sha short shown signals signin single smtp
    social solved spent sqlite started state static status step stop store structure subprocess svg table tags take
    tasks test thanks throttle to tocsin together totp transaction translatable truncated two txt type
    typeset u unaddressed unconfirmed undo undone unknown unpack unpacker unsent unsigned unsubscribe until unusable
    unusual upgrade ups url used utc v validate verify waiting wan wants warm web week wide window
    withdraw without word wrapping writer written xml
    """.split()
)
# Names that Flask-Security and the WebAuthn standard prescribe for the tables `staff` and `passkey`.
PRESCRIBED = set("fs mf tf uniquifier user usage webauthn credential handle lastuse datetime transports".split())
# Former second names of concepts, and names without meaning, which must not be used again.
FORBIDDEN = set(
    """
    among bindery core courier dead departure departures desk dialogue dossier family fold folds glance glances
    guard held helper helpers hold keep kept kin lack lacks lane let machine manager misc office ours shelf somebody
    spread standing stencil taken tell tongue traffic util utils wall wanted whoever withheld
    """.split()
)


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Flask:
    """Return an application without a database, for its routes."""
    folder = tmp_path_factory.mktemp("glossary")
    return create_app(settings_for(f"sqlite:///{folder}/none.db", folder))


def test_every_word_of_a_name_is_in_the_glossary(site: Flask) -> None:
    known = nouns() | PLAIN | PRESCRIBED
    unknown = {name: missing for name in names(site) if (missing := [w for w in words(name) if not forms(w) & known])}
    told = "\n".join(f"{name}: {', '.join(missing)}" for name, missing in unknown.items())
    assert not unknown, f"use a noun of docs/developing/glossary.md, or add a line there:\n{told}"


def test_no_forbidden_word_is_used(site: Flask) -> None:
    back = {name: sorted(bad) for name in names(site) if (bad := FORBIDDEN & set(words(name)))}
    assert not back


def test_plain_words_are_used_and_are_no_nouns(site: Flask) -> None:
    used = {form for name in names(site) for word in words(name) for form in forms(word)}
    assert not PLAIN & nouns(), "the glossary already lists it"
    assert not PLAIN - used, "no name contains it any more"


def test_a_public_class_is_defined_once() -> None:
    found = defaultdict(list)
    for path, node in classes():
        found[node.name].append(str(path.relative_to(ROOT)))
    assert not {name: paths for name, paths in found.items() if len(paths) > 1}


@pytest.mark.parametrize("table", sorted(Appeal.metadata.tables))
def test_every_table_is_in_the_glossary(table: str) -> None:
    assert f"`{table}`" in GLOSSARY


def test_every_room_is_in_the_glossary() -> None:
    told = set(re.findall(r"`(\w+)`", section("Rooms")))
    rooms = {
        path.name
        for layer in ("domain", "models", "queries", "services", "web/staff", "web/public")
        for path in (ROOT / "campaign" / layer).iterdir()
        if (path / "__init__.py").exists()
    }
    assert rooms == told


def test_every_first_part_of_a_route_is_in_the_glossary(site: Flask) -> None:
    told = set(re.findall(r"`([\w.-]+)`", section("First parts of addresses")))
    parts = {part for rule in routes(site) if (part := first_part(rule))}
    assert parts <= told
    assert told - parts == {"dev"}, "only the demonstration has this part"


def test_every_noun_has_one_line() -> None:
    lines = [noun.strip() for cell in cells() for noun in cell.split(",")]
    assert len(lines) == len(set(lines))


def names(site: Flask) -> Iterator[str]:
    """Yield each module, public class, table, column, template and route, after its kind."""
    for path in sorted((ROOT / "campaign").rglob("*.py")):
        yield f"module {path.relative_to(ROOT / 'campaign').with_suffix('')}"
    for path, node in classes():
        yield f"class {node.name} of {path.relative_to(ROOT)}"
    for table in Appeal.metadata.sorted_tables:
        yield f"table {table.name}"
        yield from (f"column {table.name}.{column.name}" for column in table.columns)
    for path in sorted((ROOT / "templates").rglob("*.*")):
        yield f"template {path.relative_to(ROOT / 'templates').with_suffix('')}"
    yield from (f"route {rule}" for rule in routes(site))


def words(name: str) -> list[str]:
    """Return the words of a name in lower case, without its kind and without the converters of a route."""
    kind, _, rest = name.partition(" ")
    rest = rest.partition(" ")[0] if kind == "class" else rest
    if kind == "route":
        rest = re.sub(r"<(?:\w+(?:\([^)]*\))?:)?(\w+)>", r"\1", rest)
    return [word.lower() for word in re.findall(r"[A-Z]+(?=[A-Z][a-z])|[A-Z]?[a-z]+|[A-Z]+", rest)]


def forms(word: str) -> set[str]:
    """Return the word and its base forms: the singular, and the verb of "signed" or "signing"."""
    found = {word}
    if re.search(r"[^aeiou]ies$", word):
        found.add(word[:-3] + "y")
    elif re.search(r"(ss|ch|sh|x)es$", word):
        found.add(word[:-2])
    elif re.search(r"[^su]s$", word) and len(word) > 3:
        found.add(word[:-1])
    for ending in ("ed", "ing"):
        if word.endswith(ending) and len(stem := word.removesuffix(ending)) > 2:
            found |= {stem, stem + "e", *({stem[:-1]} if stem[-1] == stem[-2] else set())}
    return found


def nouns() -> set[str]:
    """Return the words of the nouns."""
    return {word.lower() for cell in cells() for word in re.findall(r"[A-Za-z]+", cell)}


def cells() -> list[str]:
    """Return the first cell of each line of the tables."""
    return [cell for cell in re.findall(r"^\| ([^|]+) \|", GLOSSARY, re.MULTILINE) if cell != "noun"]


def section(title: str) -> str:
    """Return the text below a heading."""
    return GLOSSARY.partition(f"\n## {title}\n")[2].partition("\n## ")[0]


def routes(site: Flask) -> set[str]:
    """Return the rules of both applications as a browser asks for them."""
    staff: Flask = site.extensions["tocsin_staff"]
    return {rule.rule for rule in site.url_map.iter_rules()} | {
        f"/staff{rule.rule}" for rule in staff.url_map.iter_rules()
    }


def first_part(rule: str) -> str:
    """Return the first part of an address behind the language and behind `/staff`."""
    return re.sub(r"^(/<any[^>]*:locale>|/staff)", "", rule).split("/")[1]


def classes() -> Iterator[tuple[Path, ast.ClassDef]]:
    """Yield the public classes of the package with their files."""
    for path in sorted((ROOT / "campaign").rglob("*.py")):
        for node in ast.parse(path.read_text(encoding="utf-8")).body:
            if isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
                yield path, node
