"""flask appeal …: from a document to an open appeal."""

from __future__ import annotations

import json
from dataclasses import asdict
from datetime import date, datetime
from pathlib import Path
from typing import Any, TextIO

import click
from flask.cli import AppGroup

from campaign.cli.refusal import NO_DOCUMENT, exit_on_refusal, read_text, refuse
from campaign.config import LOCALES
from campaign.document import LIMIT, DocumentError, DraftAppeal, read_document
from campaign.document.summary import summarise
from campaign.domain.staff.actor import OPERATOR
from campaign.platform.runtime import runtime
from campaign.queries.appeals.appeal import all_appeals, find_appeal
from campaign.queries.counting.counts import signatures_by_appeal
from campaign.queries.counting.source import signatures_by_source
from campaign.services.appeals import lifecycle
from campaign.services.appeals.import_draft import ImportOptions, ImportReport, import_draft

appeal = AppGroup("appeal", help="From a document to an open appeal.")

_SHOWN = 90  # characters of a changed value
_CONTEXT = 20
_FILE = click.argument("file", type=click.Path(path_type=Path))
_JSON = click.option("--json", "as_json", is_flag=True, help="Print JSON for programs.")


@appeal.command()
@_FILE
@_JSON
def parse(file: Path, as_json: bool) -> None:
    """Read a document, print what was found and every doubt; save nothing."""
    draft, _lines = _read(file)
    click.echo(json.dumps(draft.to_json(), ensure_ascii=False, indent=1) if as_json else summarise(draft))


@appeal.command("import")
@_FILE
@click.option("--slug", help="The appeal's name in its address; a new one makes a new appeal.")
@click.option("--goal", type=int, help="Confirmed signatures to reach.")
@click.option("--deadline", type=click.DateTime(["%Y-%m-%d"]), help="Instead of the document's.")
@click.option("--publish", is_flag=True, help="Open it for signatures at once.")
@_JSON
def import_(
    file: Path,
    slug: str | None,
    goal: int | None,
    deadline: datetime | None,
    publish: bool,
    as_json: bool,
) -> None:
    """Make an appeal of a document, or complete or correct the one to which it belongs."""
    draft, lines = _read(file)
    context = runtime().context(OPERATOR)
    options = ImportOptions(slug=slug, goal=goal, deadline=deadline.date() if deadline else None)
    with exit_on_refusal():
        report = import_draft(draft, options, context=context, lines=lines)
        published = lifecycle.publish(report.slug, context=context) if publish else False
    if as_json:
        click.echo(json.dumps(_as_json(report, draft, published=published), ensure_ascii=False, indent=1, default=str))
        return
    for warning in draft.warnings:
        click.echo(f"line {warning.line}: {warning.message} ({warning.code})", err=True)
    for fact in report.kept:
        click.echo(
            f"{fact.field}: this document says {_text(fact.after)}, {report.slug} keeps {_text(fact.before)}", err=True
        )
    click.echo(_told(report, published=published))


@appeal.command("publish")
@click.argument("slug")
def publish_(slug: str) -> None:
    """Open a draft for signatures."""
    with exit_on_refusal():
        done = lifecycle.publish(slug, context=runtime().context(OPERATOR))
    click.echo(f"{slug} is open" if done else f"{slug} was open already")


@appeal.command("close")
@click.argument("slug")
def close_(slug: str) -> None:
    """End an open appeal before its deadline."""
    with exit_on_refusal():
        done = lifecycle.close(slug, context=runtime().context(OPERATOR))
    click.echo(f"{slug} is closed" if done else f"{slug} was closed already")


@appeal.command("stop")
@click.argument("slug")
def stop_(slug: str) -> None:
    """Stop an open appeal: signing would no longer help, or could harm."""
    with exit_on_refusal():
        done = lifecycle.stop(slug, context=runtime().context(OPERATOR))
    click.echo(f"{slug} is stopped" if done else f"{slug} was stopped already")


@appeal.command("outcome")
@click.argument("slug")
@click.argument("language", type=click.Choice(LOCALES))
@click.argument("file", type=click.File(encoding="utf-8"))
def outcome_(slug: str, language: str, file: TextIO) -> None:
    """Publish on an ended appeal's page how the case ended: FILE is Markdown, - for standard input."""
    with exit_on_refusal():
        lifecycle.set_outcome(slug, language, read_text(file), context=runtime().context(OPERATOR))
    click.echo(f"{slug} tells its outcome in {language}")


@appeal.command("sources")
@click.argument("slug")
@_JSON
def sources_(slug: str, as_json: bool) -> None:
    """Count signatures by the source tag of the link that brought them (?via=…)."""
    with exit_on_refusal():
        found = find_appeal(slug)
        if found is None:
            refuse(f"there is no appeal {slug}; `flask appeal list` shows those there are")
        counted = signatures_by_source(found.id)
    if as_json:
        click.echo(json.dumps([asdict(one) for one in counted], ensure_ascii=False, indent=1))
        return
    for one in counted:
        click.echo(f"{one.source:<40} {one.signed:>8} signed {one.confirmed:>8} confirmed")


@appeal.command()
@click.argument("slug")
@click.option(
    "--risk", "risks", multiple=True, metavar="COUNTRY", help="Where writing endangers the sender; repeat it."
)
@click.option("--initials", is_flag=True, help="Letters bear initials instead of the name.")
def safety(slug: str, risks: tuple[str, ...], initials: bool) -> None:
    """Warn before signing where writing is dangerous; without options, warn of nothing and use full names."""
    countries = tuple(code.upper() for code in risks)
    with exit_on_refusal():
        lifecycle.set_safety(
            slug, risk_countries=countries, initials_only=initials, context=runtime().context(OPERATOR)
        )
    warned = f"warns who has ties to {', '.join(countries)}" if countries else "warns of nothing"
    click.echo(f"{slug} {warned}; letters bear {'initials' if initials else 'full names'}")


@appeal.command("list")
@_JSON
def list_(as_json: bool) -> None:
    """List all appeals, the newest first."""
    with exit_on_refusal():
        found = all_appeals()
        signatures = signatures_by_appeal(tuple(one.id for one in found))
    rows = [
        {
            "slug": one.slug,
            "reference": one.reference,
            "state": one.state,
            "deadline": one.deadline.isoformat() if one.deadline else None,
            "goal": one.goal,
            "signatures": signatures.get(one.id, 0),
            "languages": sorted(one.texts),
        }
        for one in found
    ]
    if as_json:
        click.echo(json.dumps(rows, ensure_ascii=False, indent=1))
        return
    for row in rows:
        languages = ",".join(sorted(row["languages"])) if isinstance(row["languages"], list) else ""
        click.echo(
            f"{row['slug']:<32} {row['state']:<8} {row['deadline'] or '-':<10} "
            f"{row['signatures']:>8}/{row['goal']:<8} {languages}"
        )


def _read(file: Path) -> tuple[DraftAppeal, tuple[str, ...]]:
    try:
        with file.open("rb") as opened:
            return read_document(opened.read(LIMIT + 1), file.name)
    except OSError as error:
        refuse(f"{file}: {error.strerror}", NO_DOCUMENT)
    except DocumentError as error:
        refuse(f"{file}: {error}", NO_DOCUMENT)
    raise AssertionError  # refuse() does not return


def _as_json(report: ImportReport, draft: DraftAppeal, *, published: bool) -> dict[str, Any]:
    said = asdict(report)
    said["state"] = "open" if published else report.state
    said["warnings"] = draft.to_json()["warnings"]
    return said


def _told(report: ImportReport, *, published: bool) -> str:
    if report.is_new:
        first = f"{report.slug}: made in {report.language}"
    elif report.is_new_language:
        first = f"{report.slug}: completed with {report.language}"
    elif report.changes:
        first = f"{report.slug}: corrected; its text in {report.language} is version {report.text_version}"
    else:
        first = f"{report.slug}: nothing changed, this document was imported before"
    lines = [first]
    if report.is_new and report.follows:
        lines.append(f"  it follows {report.follows}")
    if not report.is_new:
        lines += [f"  {change.field}: {_before_and_after(change.before, change.after)}" for change in report.changes]
    if published:
        lines.append(f"{report.slug} is open")
    return "\n".join(lines)


def _before_and_after(before: Any, after: Any) -> str:
    """Return both values, from shortly before the place where they begin to differ."""
    if isinstance(before, dict) and isinstance(after, dict):
        before, after = _differing(before, after), _differing(after, before)
    one, two = _text(before), _text(after)
    same = next((at for at, pair in enumerate(zip(one, two, strict=False)) if pair[0] != pair[1]), 0)
    start = one.rfind(" ", 0, max(same - _CONTEXT, 0)) + 1
    return f"{_cut(one, start)} → {_cut(two, start)}"


def _differing(one: dict[str, Any], other: dict[str, Any]) -> dict[str, Any]:
    """Return the fields of one target that the other does not have, or has with another value."""
    return {
        name: _differing(value, known)
        if isinstance(value, dict) and isinstance(known := other.get(name), dict)
        else value
        for name, value in one.items()
        if value != other.get(name)
    }


def _text(value: Any) -> str:
    if value in (None, [], "", {}):
        return "nothing"
    if isinstance(value, list):
        return " / ".join(_text(item) for item in value)
    if isinstance(value, dict):
        return "; ".join(f"{name} {_text(item)}" for name, item in value.items() if item)
    return value.isoformat() if isinstance(value, date) else " ".join(str(value).split())


def _cut(text: str, start: int) -> str:
    end = start + _SHOWN
    return ("…" if start else "") + text[start:end].rstrip() + ("…" if len(text) > end else "")
