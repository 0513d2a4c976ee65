"""Commands that store nothing: those that need no settings (help, new keys, parsing a document), and read-only ones.

They must create no file, whatever the user and the settings: the service could not open a key or a database that root
had created with `flask --help` or `flask mail status`.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from campaign.config import Settings, SettingsError, load

_WITHOUT_SETTINGS = {
    ("keys", "init"),
    ("keys", "new"),
    ("appeal", "parse"),
    ("backup", "key"),
    ("backup", "verify"),
    ("routes",),
}
# These only read, so they create neither keys nor a database.
_READ_ONLY = {
    ("appeal", "list"),
    ("appeal", "sources"),
    ("audit", "list"),
    ("audit", "verify"),
    ("keys", "status"),
    ("mail", "dead"),
    ("mail", "preview"),
    ("mail", "status"),
    ("privacy", "report"),
    ("staff", "list"),
    ("tally", "verify"),
    ("text", "list"),
}
_WITHOUT_DATABASE = ("mail", "preview")
# With this option a read-only command writes.
_WRITE_OPTION = "--repair"
# The options of `flask` itself that are followed by a value.
_OPTIONS_WITH_VALUE = {"-A", "--app", "-e", "--env-file"}


def needs_no_settings(arguments: Sequence[str]) -> bool:
    """Return whether this command line needs no settings; `arguments` is sys.argv."""
    words = _command_words(arguments)
    return words is not None and (not words or bool({tuple(words[:1]), tuple(words[:2])} & _WITHOUT_SETTINGS))


def is_read_only(arguments: Sequence[str]) -> bool:
    """Return whether this command line only reads; `arguments` is sys.argv."""
    words = _command_words(arguments)
    return words is not None and tuple(words[:2]) in _READ_ONLY and _WRITE_OPTION not in arguments


def _command_words(arguments: Sequence[str]) -> list[str] | None:
    """Return the command's words: an empty list for help, None if the program is not flask."""
    program = Path(arguments[0]) if arguments else Path()
    if program.name not in {"flask", "flask.exe"} and program.parts[-2:] != ("flask", "__main__.py"):
        return None
    remaining, words = list(arguments[1:]), list[str]()
    while remaining:
        word = remaining.pop(0)
        if word == "--help":
            return []
        if word in _OPTIONS_WITH_VALUE and not words:
            del remaining[:1]
        elif not word.startswith("-"):
            words.append(word)
    return words


def settings_or_defaults() -> Settings:
    """Return the settings, or the defaults if the settings are wrong; missing keys are made in memory only."""
    try:
        settings = load(stores_keys=False)
    except SettingsError:
        settings = load({}, stores_keys=False)
    return _without_database(settings)


def read_only_settings(arguments: Sequence[str]) -> Settings:
    """Return the settings with the stored keys. Raises SettingsError if the SQLite database does not exist."""
    settings = load(makes_keys=False)
    if tuple((_command_words(arguments) or [])[:2]) == _WITHOUT_DATABASE:
        return _without_database(settings)
    file = settings.database_url.removeprefix("sqlite:///")
    if file != settings.database_url and not Path(file).exists():
        raise SettingsError(
            f"TOCSIN_DATABASE_URL: there is no database at {file}; give this command the settings of the service,"
            " or make one by `flask db upgrade`"
        )
    return settings


def _without_database(settings: Settings) -> Settings:
    unused_url = f"sqlite:///{os.devnull}"  # never opened; the folder has to exist
    return replace(settings, database_url=unused_url, queue_url=unused_url, limits_url="off")
