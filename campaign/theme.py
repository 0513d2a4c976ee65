"""The theme of an organisation: its name, logo, colours, footer and legal texts, from one TOML file.

An organisation's file contains only the values that differ from the shipped file, campaign/data/theme.toml, which
explains each value.
"""

from __future__ import annotations

import re
import tomllib
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from campaign.locales import LOCALES

SHIPPED = Path(__file__).parent / "data" / "theme.toml"
TEXTS = ("footer", "imprint", "privacy", "accessibility")
FACTS = tuple("legal_name address email phone represented_by register data_protection authority host".split())
_COLOURS = ("ink", "soft", "line", "paper", "sheet", "signal", "on_signal", "mark", "good")
# Pairs of text and background; WCAG 2.2, 1.4.3 requires a contrast of 4.5 to 1.
_TEXT_PAIRS = (
    ("ink", "paper"),
    ("ink", "sheet"),
    ("ink", "mark"),
    ("soft", "paper"),
    ("soft", "sheet"),
    ("signal", "paper"),
    ("signal", "sheet"),
    ("on_signal", "signal"),
    ("good", "paper"),
    ("good", "sheet"),
)
_MIN_CONTRAST = 4.5
_LOGO_KINDS = {".svg": "image/svg+xml", ".png": "image/png", ".webp": "image/webp"}
_MAX_LOGO_BYTES = 60_000
_MAX_LOGO_PIXELS = 2000  # in each direction


@dataclass(frozen=True, slots=True)
class Logo:
    """The picture before the name. Pages state its size, so that nothing moves when it has loaded."""

    file: str
    kind: str
    content: bytes
    width: int
    height: int


@dataclass(frozen=True, slots=True)
class Theme:
    """One organisation's appearance and texts. `texts` are Markdown, `facts` plain text."""

    name: str
    website: str | None
    logo: Logo | None
    light: dict[str, str]
    dark: dict[str, str]
    facts: dict[str, str] = field(default_factory=dict)
    texts: dict[tuple[str, str], str] = field(default_factory=dict)

    def text(self, page: str, locale: str) -> str:
        """Return the text in that language, or an empty string; another language would need a note to the reader."""
        return self.texts.get((page, locale), "")

    def tokens(self) -> str:
        """Return the colours as CSS custom properties; `data-scheme` on the root element overrides the system."""
        light, dark = _properties("light", self.light), _properties("dark", self.dark)
        return (
            f":root{{{light}}}@media(prefers-color-scheme:dark){{:root:not([data-scheme=light]){{{dark}}}}}"
            f":root[data-scheme=dark]{{{dark}}}\n"
        )


def read_theme(path: Path | None) -> Theme:
    """Return the shipped theme, overridden by the file's values. Raises ValueError with the reason in one line."""
    values = _parse(SHIPPED)
    folder = SHIPPED.parent
    if path is not None:
        folder = path.parent
        values = _merge(values, _parse(path))
    _check_names(values, {"name", "website", "logo", "colours", "facts", "text"}, "")
    colours = _table(values, "colours")
    _check_names(colours, {"light", "dark"}, "colours.")
    return Theme(
        name=_line(values.get("name"), "name", 60),
        website=_website(values.get("website", "")),
        logo=_logo(_table(values, "logo"), folder),
        light=_colours(_table(colours, "light"), "light"),
        dark=_colours(_table(colours, "dark"), "dark"),
        facts=_facts(_table(values, "facts")),
        texts=_texts(_table(values, "text")),
    )


def contrast(first: str, second: str) -> float:
    """Return the contrast of two colours such as #c8321f, from 1 to 21 (WCAG 2.2, relative luminance)."""
    brighter, darker = sorted((_luminance(first), _luminance(second)), reverse=True)
    return (brighter + 0.05) / (darker + 0.05)


def _luminance(colour: str) -> float:
    parts = (int(colour[start : start + 2], 16) / 255 for start in (1, 3, 5))
    red, green, blue = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def _properties(scheme: str, colours: dict[str, str]) -> str:
    properties = (f"--{name.replace('_', '-')}:{value}" for name, value in colours.items())
    return ";".join((f"color-scheme:{scheme}", *properties))


def _parse(path: Path) -> dict[str, Any]:
    """Return the values of a TOML file. Raises ValueError."""
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ValueError(f"cannot read {path}: {error.strerror}") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ValueError(f"{path} is no TOML: {error}") from error


def _merge(base: dict[str, Any], overrides: dict[str, Any]) -> dict[str, Any]:
    """Return the base with the overrides, table by table."""
    merged = dict(base)
    for name, value in overrides.items():
        base_value = merged.get(name)
        both_tables = isinstance(base_value, dict) and isinstance(value, dict)
        merged[name] = _merge(base_value or {}, value) if both_tables else value
    return merged


def _table(values: dict[str, Any], name: str) -> dict[str, Any]:
    match values.get(name, {}):
        case dict() as table:
            return table
    raise ValueError(f"[{name}] is no table")


def _check_names(values: dict[str, Any], known_names: set[str], prefix: str) -> None:
    """Raise ValueError if the table has an unknown name; the prefix is that of the table, such as `logo.`."""
    for name in values:
        if name not in known_names:
            raise ValueError(f"{prefix}{name} is not known; there are " + ", ".join(sorted(known_names)))


def _line(value: object, name: str, max_length: int) -> str:
    if not isinstance(value, str) or not value.strip() or len(value) > max_length or not value.isprintable():
        raise ValueError(f"{name}: give one line of at most {max_length} characters")
    return value.strip()


def _website(value: object) -> str | None:
    """Return the address, or None for an empty one. Raises ValueError."""
    if value == "":
        return None
    if not isinstance(value, str) or not re.fullmatch(r"https?://[^\s\"<>]+", value):
        raise ValueError("website: give an address such as https://www.example.org")
    return value


def _colours(values: dict[str, Any], scheme: str) -> dict[str, str]:
    """Return the colours of one scheme. Raises ValueError, also if a text could not be read on its background."""
    table = f"colours.{scheme}"
    _check_names(values, set(_COLOURS), table + ".")
    for name in _COLOURS:
        if not isinstance(values.get(name), str) or not re.fullmatch(r"#[0-9a-fA-F]{6}", values[name]):
            raise ValueError(f"{table}.{name}: give a colour such as #c8321f")
    for text, background in _TEXT_PAIRS:
        ratio = contrast(values[text], values[background])
        if ratio < _MIN_CONTRAST:
            raise ValueError(f"{table}: {text} on {background} has a contrast of {ratio:.1f}, too little to read (4.5)")
    return {name: values[name] for name in _COLOURS}


def _logo(values: dict[str, Any], folder: Path) -> Logo | None:
    """Return the logo of the table, or None if it is empty. Raises ValueError."""
    if not values:
        return None
    _check_names(values, {"file", "width", "height"}, "logo.")
    file = values.get("file")
    if not isinstance(file, str) or Path(file).suffix.lower() not in _LOGO_KINDS:
        raise ValueError("logo.file: give an SVG, PNG or WebP beside the file")
    size = [values.get("width"), values.get("height")]
    if not all(isinstance(pixels, int) and 0 < pixels <= _MAX_LOGO_PIXELS for pixels in size):
        raise ValueError("logo: give its width and height in pixels")
    try:
        content = (folder / file).read_bytes()
    except OSError as error:
        raise ValueError(f"logo.file: cannot read {folder / file}: {error.strerror}") from error
    if len(content) > _MAX_LOGO_BYTES:
        raise ValueError(f"logo.file: {len(content)} bytes are too many for a phone; at most {_MAX_LOGO_BYTES}")
    suffix = Path(file).suffix.lower()
    return Logo("logo" + suffix, _LOGO_KINDS[suffix], content, values["width"], values["height"])


def _facts(values: dict[str, Any]) -> dict[str, str]:
    """Return the facts that are not empty. Raises ValueError."""
    _check_names(values, set(FACTS), "facts.")
    for name, value in values.items():
        if not isinstance(value, str) or len(value) > 1000:
            raise ValueError(f"facts.{name}: give a text of at most 1000 characters")
    return {name: value.strip() for name, value in values.items() if value.strip()}


def _texts(values: dict[str, Any]) -> dict[tuple[str, str], str]:
    """Return the texts by page and language. Raises ValueError."""
    _check_names(values, set(LOCALES), "text.")
    texts = {}
    for language in values:
        table = _table(values, language)
        _check_names(table, set(TEXTS), f"text.{language}.")
        for page, value in table.items():
            match value:
                case str():
                    texts[page, language] = value.strip()
                case _:
                    raise ValueError(f"text.{language}.{page}: give a text")
    return {key: value for key, value in texts.items() if value}
