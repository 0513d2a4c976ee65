"""The questions of `flask appeal import` before it changes an appeal, and the result that it prints."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable
from dataclasses import asdict, replace
from datetime import date
from typing import Any, NoReturn

import click

from campaign.cli.refusal import UNDECIDED, refuse
from campaign.document import DraftAppeal
from campaign.domain.errors import ImportQuestionError, UnconfirmedChangesError
from campaign.platform.context import Context
from campaign.services.appeals.import_draft import ImportOptions, ImportReport, import_draft

# Of a changed value, in characters: how much is printed, and how much of it before the first difference.
_EXCERPT_LENGTH = 90
_LENGTH_BEFORE_CHANGE = 20


def import_or_ask(
    draft: DraftAppeal, lines: tuple[str, ...], options: ImportOptions, *, context: Context, as_json: bool
) -> ImportReport:
    """Import the document and return the report.

    End the command with exit status 3 where update or correction cannot be told, and before words of an open appeal
    change, unless a person at the terminal agrees to the changes. With `as_json` the reason goes to standard output.
    """
    try:
        return import_draft(draft, options, context=context, lines=lines)
    except ImportQuestionError as question:
        flags = ["--as-update", "--as-correction"]
        _stop(str(question), question.slug, question.reason, flags, (), as_json=as_json)
    except UnconfirmedChangesError as unconfirmed:
        if as_json or not sys.stdin.isatty():
            _stop_before_changes(unconfirmed, as_json=as_json)
        print_changes(unconfirmed.changes)
        question_text = f"Change these words of {unconfirmed.slug}, which is open?"
        if not click.confirm(question_text, default=False, err=True):
            refuse(f"nothing changed in {unconfirmed.slug}", UNDECIDED)
        agreed = replace(options, is_confirmed=True, seen=unconfirmed.seen)
    try:
        return import_draft(draft, agreed, context=context, lines=lines)
    except UnconfirmedChangesError as changed:
        # A colleague has changed the appeal while the person was reading: what they agreed to is not what would change.
        _stop_before_changes(changed, as_json=as_json)


def print_changes(changes: Iterable[Any]) -> None:
    """Print each changed value on standard error: field, before and after."""
    for change in changes:
        click.echo(f"  {change.field}: {_before_and_after(change.before, change.after)}", err=True)


def _stop_before_changes(unconfirmed: UnconfirmedChangesError, *, as_json: bool) -> NoReturn:
    if not as_json:
        print_changes(unconfirmed.changes)
    _stop(str(unconfirmed), unconfirmed.slug, "open", ["--yes"], unconfirmed.changes, as_json=as_json)


def _stop(
    message: str, slug: str, reason: str, options: list[str], changes: Iterable[Any], *, as_json: bool
) -> NoReturn:
    """End the command with exit status 3 and the message; with `as_json`, print the reason and changes as JSON too."""
    if as_json:
        values = {"slug": slug, "reason": reason, "options": options, "changes": [asdict(change) for change in changes]}
        click.echo(json.dumps(values, ensure_ascii=False, indent=1, default=str))
    refuse(message, UNDECIDED)


def report_json(report: ImportReport, draft: DraftAppeal, *, is_published: bool) -> dict[str, Any]:
    """Return the result of an import for programs."""
    values = asdict(report)
    values["state"] = "open" if is_published else report.state
    values["warnings"] = draft.to_json()["warnings"]
    return values


def report_text(report: ImportReport, *, is_published: bool) -> str:
    """Return the lines to print after an import: its result, and each changed value."""
    if report.is_new:
        result = f"{report.slug}: made in {report.language}"
    elif report.is_new_language:
        result = f"{report.slug}: completed with {report.language}"
    elif report.changes:
        result = f"{report.slug}: corrected; its text in {report.language} is version {report.text_version}"
    else:
        result = f"{report.slug}: nothing changed, this document was imported before"
    lines = [result]
    if report.is_new and report.follows:
        lines.append(f"  it follows {report.follows}")
    if not report.is_new:
        lines += [f"  {change.field}: {_before_and_after(change.before, change.after)}" for change in report.changes]
    if is_published:
        lines.append(f"{report.slug} is open")
    return "\n".join(lines)


def _before_and_after(before: Any, after: Any) -> str:
    """Return both values, from shortly before their first difference."""
    if isinstance(before, dict) and isinstance(after, dict):
        before, after = _different_fields(before, after), _different_fields(after, before)
    old, new = value_text(before), value_text(after)
    first_difference = next((index for index, pair in enumerate(zip(old, new, strict=False)) if pair[0] != pair[1]), 0)
    start = old.rfind(" ", 0, max(first_difference - _LENGTH_BEFORE_CHANGE, 0)) + 1
    return f"{_excerpt(old, start)} → {_excerpt(new, start)}"


def _different_fields(target: dict[str, Any], other: dict[str, Any]) -> dict[str, Any]:
    """Return the fields of the target that the other target lacks, or has with another value."""
    return {
        name: _different_fields(value, other_value)
        if isinstance(value, dict) and isinstance(other_value := other.get(name), dict)
        else value
        for name, value in target.items()
        if value != other.get(name)
    }


def value_text(value: Any) -> str:
    """Return the value of a fact on one line; `nothing` if it is empty."""
    if value in (None, [], "", {}):
        return "nothing"
    if isinstance(value, list):
        return " / ".join(value_text(item) for item in value)
    if isinstance(value, dict):
        return "; ".join(f"{name} {value_text(item)}" for name, item in value.items() if item)
    return value.isoformat() if isinstance(value, date) else " ".join(str(value).split())


def _excerpt(text: str, start: int) -> str:
    end = start + _EXCERPT_LENGTH
    return ("…" if start else "") + text[start:end].rstrip() + ("…" if len(text) > end else "")
