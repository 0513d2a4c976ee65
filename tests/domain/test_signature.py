"""What counts as a name, and as a source tag."""

from __future__ import annotations

import pytest

from campaign.domain.errors import InputError
from campaign.domain.signature import clean_name, clean_via


@pytest.mark.parametrize(
    ("typed", "kept"),
    [
        ("O", "O"),
        ("  Jeanne\t Martin ", "Jeanne Martin"),
        ("Jean\x00ne\x07", "Jeanne"),
        ("\u202eeve\u202c", "eve"),
        ("محمد", "محمد"),
        ("نیما\u200cنژاد", "نیما\u200cنژاد"),
        ("Zoe\u0308", "Zoë"),
        ("D’Arcy-O'Neil", "D’Arcy-O'Neil"),
    ],
)
def test_a_name_is_kept_as_it_will_be_printed(typed: str, kept: str) -> None:
    assert clean_name(typed) == kept


@pytest.mark.parametrize(
    ("typed", "code"),
    [
        ("", "missing"),
        ("\u202e\x00 ", "missing"),
        ("x" * 10_000, "too-long"),
        ("12 345", "no-letters"),
        ("win at http://x.example", "link"),
        ("www.example.com", "link"),
        ("me@x.example", "link"),
        ("\ufffd\ufffd", "unreadable"),
    ],
)
def test_what_is_no_name_is_refused_with_the_reason(typed: str, code: str) -> None:
    with pytest.raises(InputError) as refused:
        clean_name(typed)
    assert refused.value.code == code


def test_a_source_tag_is_never_an_error() -> None:
    assert clean_via(" Stall-Lyon ") == "stall-lyon"
    assert clean_via("<script>") is None
    assert clean_via("x" * 41) is None
    assert clean_via(None) is None
