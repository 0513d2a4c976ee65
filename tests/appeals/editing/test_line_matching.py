"""The field of each line, found by its words."""

from __future__ import annotations

from campaign.document import parse_text
from campaign.document.line_uses import match_lines
from tests.conftest import DOCUMENT


def test_each_line_is_matched_with_the_field_that_has_its_words() -> None:
    lines = DOCUMENT.splitlines()
    uses: dict[str, list[str]] = {}
    for use in match_lines(parse_text(DOCUMENT), lines):
        uses.setdefault(lines[use.line - 1].strip("*# "), []).append(use.field)
    assert uses["TEACHER THREATENED FOR TEACHING"] == ["headline"]
    assert uses["Minister of the Interior"] == ["targets.0.role"]
    assert uses["Pedro Alba Montes"] == ["targets.0.name"]
    assert uses["Calle Ejemplo 1"] == ["targets.0.address"]
    assert uses["Email: minister@interior.example"] == ["targets.0.emails"]
    assert uses["I fear for the life of Ana Ruiz Vega."] == ["letter"]
    assert uses["The school stands in the hills above the river."] == ["background"]
    assert uses["NAME AND PREFERRED PRONOUN:** Ana Ruiz Vega (she/her)"] == ["people"]
    assert "ADDITIONAL INFORMATION" not in uses


def test_a_line_in_several_targets_is_that_of_the_target_before_it() -> None:
    second = "Attorney General\nLucía Rey Paz\nBogotá, Colombia\nEmail: fiscal@justice.example\n\n*Dear Minister,*"
    text = DOCUMENT.replace("*Dear Minister,*", second, 1)
    lines = text.splitlines()
    fields = [use.field for use in match_lines(parse_text(text), lines) if lines[use.line - 1] == "Bogotá, Colombia"]
    assert fields == ["targets.0.address", "targets.1.address"]


def test_a_very_long_document_has_no_marks() -> None:
    assert match_lines(parse_text(DOCUMENT), DOCUMENT.splitlines() + ["x"] * 3_000) == ()
