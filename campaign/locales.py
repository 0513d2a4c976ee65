"""The list of the languages of pages and mails; docs/developing/add-a-language.md says what else a language needs."""

from __future__ import annotations

LOCALES = ("fr", "en", "es", "ar", "de", "ru")
