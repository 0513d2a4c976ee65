"""The letter as plain text, which all channels use."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from campaign.domain.signing.signature import initials
from campaign.domain.typed_text import unix_lines
from campaign.letter.gender_forms import GenderForm, in_form
from campaign.queries.appeals.appeal import AppealView, TargetView, TextView


@dataclass(frozen=True, slots=True)
class Letter:
    """One supporter's letter in one language; parts that it does not have are empty."""

    language: str
    subject: str
    salutation: str
    paragraphs: tuple[str, ...]
    closing: str
    name: str

    @property
    def text(self) -> str:
        """Return salutation, paragraphs, closing and name, separated by blank lines; lines end with a line feed."""
        parts = [self.salutation, *self.paragraphs, "\n".join(part for part in (self.closing, self.name) if part)]
        return "\n\n".join(part for part in parts if part)

    def shorter_versions(self) -> Iterator[Letter]:
        """Yield the same letter with ever fewer whole paragraphs.

        The last paragraph stays in each, because it states the demand; the first ones say whom the letter is about.
        """
        for number in range(len(self.paragraphs) - 2, -1, -1):
            yield replace(self, paragraphs=(*self.paragraphs[:number], self.paragraphs[-1]))


def model_letter(
    text: TextView, name: str | None, *, form: GenderForm = GenderForm.OPEN, target: TargetView | None = None
) -> Letter | None:
    """Return the model letter of this signer to that target; None where the appeal has talking points only."""
    if not text.has_letter:
        return None
    target_salutation = target.salutation if target is not None and target.language == text.language else None
    return Letter(
        language=text.language,
        subject=" ".join(text.headline.split()),
        salutation=text.salutation or target_salutation or "",
        paragraphs=tuple(in_form(paragraph, text.language, form) for paragraph in text.paragraphs),
        closing=in_form(text.closing or "", text.language, form),
        name=name or "",
    )


def own_letter(text: TextView, typed_text: str) -> Letter:
    """Return a letter that consists of the supporter's own words only."""
    lines = [line.rstrip() for line in unix_lines(typed_text).strip().split("\n")]
    paragraphs = [paragraph.strip("\n") for paragraph in "\n".join(lines).split("\n\n")]
    return Letter(
        language=text.language,
        subject=" ".join(text.headline.split()),
        salutation="",
        paragraphs=tuple(paragraph for paragraph in paragraphs if paragraph),
        closing="",
        name="",
    )


def signer_name(appeal: AppealView, name: str | None) -> str | None:
    """Return the name under this appeal's letters: initials only, where the appeal says so."""
    return initials(name) if name and appeal.initials_only else name


def letter_text(text: TextView, name: str | None) -> str:
    """Return the model letter with the signer's name, its parts separated by blank lines; empty without one."""
    letter = model_letter(text, name)
    return letter.text if letter else ""


def address_lines(target: TargetView) -> tuple[str, ...]:
    """Return role, name and address as on an envelope."""
    return tuple(line for line in (target.role, target.name, *target.address) if line)
