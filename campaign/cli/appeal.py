"""flask appeal …: from a document to an open appeal."""

from __future__ import annotations

import json
from dataclasses import asdict
from datetime import datetime
from pathlib import Path
from typing import Any, TextIO

import click
from flask.cli import AppGroup

from campaign.cli.import_report import import_or_ask, report_json, report_text, value_text
from campaign.cli.refusal import NO_DOCUMENT, exit_on_refusal, read_text, refuse
from campaign.config import LOCALES
from campaign.document import MAX_FILE_BYTES, DocumentError, DraftAppeal, read_document
from campaign.document.summary import summarise
from campaign.domain.appeals.appeal import AppealState
from campaign.domain.staff.actor import OPERATOR
from campaign.platform.runtime import runtime
from campaign.queries.appeals.appeal import all_appeals, find_appeal
from campaign.queries.appeals.editor import find_for_editing
from campaign.queries.counting.counts import signatures_by_appeal
from campaign.queries.counting.source import source_counts
from campaign.services.appeals import lifecycle
from campaign.services.appeals.confirmations import describe
from campaign.services.appeals.import_draft import ImportOptions

appeal = AppGroup("appeal", help="From a document to an open appeal.")

_FILE = click.argument("file", type=click.Path(path_type=Path))
_JSON = click.option("--json", "as_json", is_flag=True, help="Print JSON for programs.")


@appeal.command()
@_FILE
@_JSON
def parse(file: Path, as_json: bool) -> None:
    """Read a document, print the draft and every warning; save nothing."""
    draft, _lines = _read(file)
    click.echo(json.dumps(draft.to_json(), ensure_ascii=False, indent=1) if as_json else summarise(draft))


@appeal.command("import")
@_FILE
@click.option("--slug", help="The appeal's name in its address; a new one makes a new appeal.")
@click.option("--goal", type=int, help="Confirmed signatures to reach.")
@click.option("--deadline", type=click.DateTime(["%Y-%m-%d"]), help="Instead of the document's.")
@click.option("--publish", is_flag=True, help="Open it for signatures at once.")
@click.option("--as-update", is_flag=True, help="It is the next issue of its case: make a new appeal.")
@click.option("--as-correction", is_flag=True, help="It corrects the appeal that is there.")
@click.option("--yes", is_flag=True, help="Change words of an open appeal without asking.")
@_JSON
def import_(
    file: Path,
    *,
    slug: str | None,
    goal: int | None,
    deadline: datetime | None,
    publish: bool,
    as_update: bool,
    as_correction: bool,
    yes: bool,
    as_json: bool,
) -> None:
    """Make an appeal of a document, or complete or correct the appeal to which it belongs.

    An update becomes a new appeal, which follows the first. Where it cannot be told, and before words of an open appeal
    change without --yes, the command ends with exit status 3 and changes nothing.
    """
    if as_update and as_correction:
        raise click.UsageError("choose one of --as-update and --as-correction")
    draft, lines = _read(file)
    context = runtime().context(OPERATOR)
    options = ImportOptions(
        slug=slug,
        goal=goal,
        deadline=deadline.date() if deadline else None,
        as_update=as_update,
        as_correction=as_correction,
        is_confirmed=yes,
    )
    with exit_on_refusal():
        report = import_or_ask(draft, lines, options, context=context, as_json=as_json)
        if publish:
            _print_unconfirmed(report.slug)
        is_published = lifecycle.publish(report.slug, context=context) if publish else False
    if as_json:
        values = report_json(report, draft, is_published=is_published)
        click.echo(json.dumps(values, ensure_ascii=False, indent=1, default=str))
        return
    for warning in draft.warnings:
        click.echo(f"line {warning.line}: {warning.message} ({warning.code})", err=True)
    for fact in report.kept:
        before, after = value_text(fact.before), value_text(fact.after)
        click.echo(f"{fact.field}: this document says {after}, {report.slug} keeps {before}", err=True)
    click.echo(report_text(report, is_published=is_published))


@appeal.command("publish")
@click.argument("slug")
def publish_(slug: str) -> None:
    """Open a draft for signatures; print its targets and doubts, which this confirms."""
    with exit_on_refusal():
        _print_unconfirmed(slug)
        is_changed = lifecycle.publish(slug, context=runtime().context(OPERATOR))
    click.echo(f"{slug} is open" if is_changed else f"{slug} was open already")


@appeal.command("close")
@click.argument("slug")
def close_(slug: str) -> None:
    """Close an open appeal before its deadline."""
    with exit_on_refusal():
        is_changed = lifecycle.close(slug, context=runtime().context(OPERATOR))
    click.echo(f"{slug} is closed" if is_changed else f"{slug} was closed already")


@appeal.command("stop")
@click.argument("slug")
def stop_(slug: str) -> None:
    """Stop an open appeal, because signing would no longer help or could do harm."""
    with exit_on_refusal():
        is_changed = lifecycle.stop(slug, context=runtime().context(OPERATOR))
    click.echo(f"{slug} is stopped" if is_changed else f"{slug} was stopped already")


@appeal.command("outcome")
@click.argument("slug")
@click.argument("language", type=click.Choice(LOCALES))
@click.argument("file", type=click.File(encoding="utf-8"))
def outcome_(slug: str, language: str, file: TextIO) -> None:
    """Publish the outcome of the case on the page of an ended appeal: FILE is Markdown, - for standard input."""
    with exit_on_refusal():
        lifecycle.set_outcome(slug, language, read_text(file), context=runtime().context(OPERATOR))
    click.echo(f"the outcome of {slug} is public in {language}")


@appeal.command("sources")
@click.argument("slug")
@_JSON
def sources_(slug: str, as_json: bool) -> None:
    """Count signatures by the source tag of the link that brought them (?via=…)."""
    with exit_on_refusal():
        view = find_appeal(slug)
        if view is None:
            refuse(f"there is no appeal {slug}; `flask appeal list` shows all appeals")
        counts = source_counts(view.id)
    if as_json:
        click.echo(json.dumps([asdict(count) for count in counts], ensure_ascii=False, indent=1))
        return
    for count in counts:
        click.echo(f"{count.source:<40} {count.signed:>8} signed {count.confirmed:>8} confirmed")


@appeal.command()
@click.argument("slug")
@click.option(
    "--risk", "risks", multiple=True, metavar="COUNTRY", help="Where writing endangers the sender; may be repeated."
)
@click.option("--initials", is_flag=True, help="Letters bear initials instead of the name.")
def safety(slug: str, risks: tuple[str, ...], initials: bool) -> None:
    """Set the warning to signers from countries where writing is dangerous, and whether letters bear initials.

    Without options, remove the warning and use full names.
    """
    countries = tuple(code.upper() for code in risks)
    with exit_on_refusal():
        lifecycle.set_safety(
            slug, risk_countries=countries, initials_only=initials, context=runtime().context(OPERATOR)
        )
    warning = f"warns who has ties to {', '.join(countries)}" if countries else "warns of nothing"
    click.echo(f"{slug} {warning}; letters bear {'initials' if initials else 'full names'}")


@appeal.command("list")
@_JSON
def list_(as_json: bool) -> None:
    """List all appeals, the newest first."""
    with exit_on_refusal():
        appeals = all_appeals()
        signatures = signatures_by_appeal(tuple(view.id for view in appeals))
    rows = [
        {
            "slug": view.slug,
            "reference": view.reference,
            "state": view.state,
            "deadline": view.deadline.isoformat() if view.deadline else None,
            "goal": view.goal,
            "signatures": signatures.get(view.id, 0),
            "languages": sorted(view.texts),
        }
        for view in appeals
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


def _print_unconfirmed(slug: str) -> None:
    """Print the targets and doubts of a draft that publishing it confirms in the operator's name, as messages."""
    edited_appeal = find_for_editing(slug)
    if edited_appeal is None or edited_appeal.appeal.state != AppealState.DRAFT:
        return
    for position, target in edited_appeal.targets.items():
        if position in edited_appeal.confirmations:
            continue
        words: dict[str, Any] = target["words"].get(edited_appeal.appeal.first_language) or next(
            iter(target["words"].values()), {}
        )
        address = [words.get("role"), words.get("name"), *words.get("address", ())]
        contacts = [*target["emails"], *target["faxes"], *target["phones"], *target["social"].values()]
        click.echo(f"target {position}: {', '.join(filter(None, [*address, *contacts]))}", err=True)
    for document in edited_appeal.documents.values():
        for doubt in document.doubts:
            if doubt.confirmation is None:
                click.echo(f"doubt in {describe(document.language, doubt)}", err=True)


def _read(file: Path) -> tuple[DraftAppeal, tuple[str, ...]]:
    """Return the draft and the lines of the document; end the command if the file cannot be read."""
    try:
        with file.open("rb") as opened:
            return read_document(opened.read(MAX_FILE_BYTES + 1), file.name)
    except OSError as error:
        refuse(f"{file}: {error.strerror}", NO_DOCUMENT)
    except DocumentError as error:
        refuse(f"{file}: {error}", NO_DOCUMENT)
    raise AssertionError  # refuse() does not return
