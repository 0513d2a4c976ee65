"""The fonts that typst uses: its own and those of TOCSIN_FONTS, but not the machine's."""

from __future__ import annotations

import re
from functools import lru_cache
from pathlib import Path

import typst

# Fonts in typst's own package: a book face, then one with characters that it lacks (Kazakh, the rouble sign).
_EMBEDDED = ("Libertinus Serif", "New Computer Modern", "DejaVu Sans Mono")
# Monospaced Arabic does not suit a letter.
_NOT_FOR_ARABIC = "DejaVu Sans Mono"
_ARABIC = re.compile("[\u0600-\u06ff\u0750-\u077f\u0870-\u08ff\ufb50-\ufdff\ufe70-\ufefc]")
# Of several faces that could show a script, the ones made for running text come first.
_BOOKISH = ("naskh", "amiri", "serif", "sans")


@lru_cache(maxsize=8)
def font_files(folders: tuple[Path, ...]) -> typst.Fonts:
    """Return the font files in those folders. They are read once, because a folder may have hundreds."""
    return typst.Fonts(include_system_fonts=False, font_paths=[str(folder) for folder in folders])


def font_families(folders: tuple[Path, ...], text: str) -> list[str]:
    """Return the families by preference: the embedded book face, those of the folders, then the other embedded ones."""
    embedded = [name for name in _EMBEDDED if name != _NOT_FOR_ARABIC or not _ARABIC.search(text)]
    return [embedded[0], *_configured_families(folders), *embedded[1:]]


@lru_cache(maxsize=8)
def _configured_families(folders: tuple[Path, ...]) -> tuple[str, ...]:
    configured = {face.family for face in font_files(folders).fonts() if face.path is not None}
    return tuple(sorted(configured, key=lambda name: (_rank(name), name)))


def _rank(family: str) -> int:
    name = family.lower()
    return next((rank for rank, word in enumerate(_BOOKISH) if word in name), len(_BOOKISH))
