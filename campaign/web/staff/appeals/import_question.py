"""The pages between a document and an appeal: update or correction, and the changes of an open appeal."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from flask import render_template, request
from flask_babel import gettext, lazy_gettext

from campaign.document import DraftAppeal
from campaign.domain.errors import ImportQuestionError, UnconfirmedChangesError
from campaign.queries.appeals.editor import AppealForEditing
from campaign.services.appeals.import_draft import ImportOptions
from campaign.web.http.locale import short_date
from campaign.web.staff.appeals.document_upload import Upload
from campaign.web.staff.appeals.editing import has_ended, own_appeal_or_404
from campaign.web.staff.appeals.line_fields import TEXT_NAMES, shown_lines

_FACT_NAMES: dict[str, Any] = {
    "reference": lazy_gettext("Reference"),
    "document_index": lazy_gettext("Document number"),
    "issued_on": lazy_gettext("Date of the document"),
    "deadline": lazy_gettext("Last day"),
    "country": lazy_gettext("Country"),
    "languages": lazy_gettext("Languages"),
    "targets": lazy_gettext("Target"),
}
_KINDS: dict[str, Any] = {
    "primary": lazy_gettext("the authority itself"),
    "copy": lazy_gettext("gets a copy"),
    "embassy": lazy_gettext("embassy"),
}


@dataclass(frozen=True, slots=True)
class PairedValue:
    """A value of the appeal and of the document, as lines under one label."""

    label: Any
    before: tuple[str, ...]
    after: tuple[str, ...]


def chosen_options(slug: str | None) -> ImportOptions:
    """Return the options of the sent form: a new appeal if `slug` is None, and the answers to the questions before."""
    answer, seen = request.form.get("answer"), request.form.get("seen")
    is_correction = answer == "correction"
    if slug is None and is_correction:
        slug = request.form.get("compared", "")
    return ImportOptions(
        slug=slug,
        is_new=slug is None,
        as_update=answer == "update",
        as_correction=is_correction,
        as_other_case=slug is None and answer == "other-case",
        is_confirmed=seen is not None,
        seen=seen,
    )


def ask_issue(question: ImportQuestionError, upload: Upload, address: str) -> str:
    """Return the page that asks whether the document is an update or a correction; `address` receives the answer."""
    edited_appeal = own_appeal_or_404(question.slug)
    pairs = _both_texts(edited_appeal, upload.draft)
    return render_template(
        "staff/appeals/import_question.html",
        edited_appeal=edited_appeal,
        appeal=edited_appeal.appeal,
        upload=upload,
        address=address,
        reason=question.reason,
        is_correction_possible=not has_ended(edited_appeal),
        is_other_case_possible=upload.draft.reference is None and address.endswith("/appeals"),
        different=[pair for pair in pairs if pair.before != pair.after],
        same=[pair for pair in pairs if pair.before == pair.after],
    )


def ask_confirmation(unconfirmed: UnconfirmedChangesError, upload: Upload, address: str) -> str:
    """Return the page that shows the changes of an open appeal; its button sends the document to `address` again."""
    edited_appeal = own_appeal_or_404(unconfirmed.slug)
    return render_template(
        "staff/appeals/import_changes.html",
        edited_appeal=edited_appeal,
        appeal=edited_appeal.appeal,
        upload=upload,
        address=address,
        answer=request.form.get("answer", ""),
        seen=unconfirmed.seen,
        is_again="seen" in request.form,
        pairs=[_changed_value(change, unconfirmed.language) for change in unconfirmed.changes],
    )


def _both_texts(edited_appeal: AppealForEditing, draft: DraftAppeal) -> list[PairedValue]:
    """Return the facts, texts and targets of the appeal in the document's language beside those of the document."""
    appeal, language = edited_appeal.appeal, draft.language
    words = edited_appeal.words.get(language, {})
    content = draft.to_json()
    drafted = content | (content["letter"] or {})
    facts = [
        ("reference", _number(appeal.reference, appeal.sequence), _number(draft.reference, draft.sequence)),
        ("document_index", edited_appeal.document_index, draft.index),
        ("issued_on", _date(edited_appeal.issued_on), _date(draft.issued_on)),
        ("deadline", _date(appeal.deadline), _date(draft.deadline)),
    ]
    pairs = [PairedValue(_FACT_NAMES[name], shown_lines(before), shown_lines(after)) for name, before, after in facts]
    pairs += [
        PairedValue(label, shown_lines(words.get(name)), shown_lines(drafted.get(name)))
        for name, label in TEXT_NAMES.items()
    ]
    stored = [_target_lines(target, target["words"].get(language, {})) for target in edited_appeal.targets.values()]
    named = [_target_lines(target, target) for target in content["targets"]]
    for index in range(max(len(stored), len(named))):
        label = gettext("Target %(number)s", number=index + 1)
        before, after = ((*lines[index : index + 1], ())[0] for lines in (stored, named))
        pairs.append(PairedValue(label, before, after))
    return pairs


def _changed_value(change: Any, language: str) -> PairedValue:
    """Return a change that an import would make, as lines."""
    name = change.field.partition(" ")[0]
    label = TEXT_NAMES.get(name) or _FACT_NAMES.get(name) or change.field
    if name == "targets":
        before, after = (
            () if target is None else _target_lines(target, target["words"].get(language, {}))
            for target in (change.before, change.after)
        )
        return PairedValue(label, before, after)
    return PairedValue(label, _change_lines(change.before), _change_lines(change.after))


def _change_lines(value: Any) -> tuple[str, ...]:
    return shown_lines(
        _date(value) if hasattr(value, "isoformat") else str(value) if isinstance(value, bool) else value
    )


def _target_lines(target: dict[str, Any], words: dict[str, Any]) -> tuple[str, ...]:
    """Return the target as lines: kind, role, name, address, salutation, contacts."""
    contacts = [*target["emails"], *target["faxes"], *target["phones"], *shown_lines(target["social"])]
    named = [words.get("role"), words.get("name"), *words.get("address", ()), words.get("salutation")]
    return tuple(line for line in (str(_KINDS[target["kind"]]), *named, *contacts) if line)


def _number(reference: str | None, sequence: int) -> str | None:
    return f"{reference} · {sequence}" if reference and sequence > 1 else reference


def _date(day: Any) -> str | None:
    return None if day is None else short_date(day)
