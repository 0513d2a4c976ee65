"""Names of sections in the reader's language."""

from __future__ import annotations

import pytest
from flask import Flask

from campaign.mail.messages.section_names import section_title


@pytest.mark.parametrize(
    ("code", "locale", "name"),
    [
        ("international", "ru", "Международное отделение"),
        ("international", "ar", "الفرع الدولي"),
        ("be-nl", "es", "Bélgica (neerlandés)"),
        ("xx", "de", "Elsewhere"),
    ],
)
def test_a_section_is_named_by_its_country_or_its_own_name(app: Flask, code: str, locale: str, name: str) -> None:
    with app.test_request_context("/en/"):
        assert section_title(code, "Elsewhere", locale) == name
