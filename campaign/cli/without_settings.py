"""Commands that write nothing: those that need no settings (help, new keys, reading a document), and those that look.

They must leave nothing behind under any user and any settings: a key or a database made by root for `flask --help` or
`flask mail status` could not be opened by the service afterwards.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from campaign.config import Settings, SettingsError, load

_COMMANDS = {
    ("keys", "init"),
    ("keys", "new"),
    ("appeal", "parse"),
    ("backup", "key"),
    ("backup", "verify"),
    ("routes",),
}
# They only read, and so make neither keys nor a database.
_LOOKING = {
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
_NO_DATABASE = ("mail", "preview")
# With this option a reading command writes after all.
_WRITING = "--repair"
# Options of `flask` itself that are followed by a value.
_WITH_VALUE = {"-A", "--app", "-e", "--env-file"}


def is_harmless(arguments: Sequence[str]) -> bool:
    """Return whether this command line needs no settings; `arguments` is sys.argv."""
    words = _words(arguments)
    return words is not None and (not words or bool({tuple(words[:1]), tuple(words[:2])} & _COMMANDS))


def is_looking(arguments: Sequence[str]) -> bool:
    """Return whether this command line only reads; `arguments` is sys.argv."""
    words = _words(arguments)
    return words is not None and tuple(words[:2]) in _LOOKING and _WRITING not in arguments


def _words(arguments: Sequence[str]) -> list[str] | None:
    """Return the command's words: an empty list for help, None where it is no command of flask."""
    program = Path(arguments[0]) if arguments else Path()
    if program.name not in {"flask", "flask.exe"} and program.parts[-2:] != ("flask", "__main__.py"):
        return None
    given, words = list(arguments[1:]), list[str]()
    while given:
        word = given.pop(0)
        if word == "--help":
            return []
        if word in _WITH_VALUE and not words:
            del given[:1]
        elif not word.startswith("-"):
            words.append(word)
    return words


def harmless_settings() -> Settings:
    """Return the settings where they are right, else the defaults; missing keys are made in memory only."""
    try:
        found = load(stores_keys=False)
    except SettingsError:
        found = load({}, stores_keys=False)
    return _without_database(found)


def looking_settings(arguments: Sequence[str]) -> Settings:
    """Return the settings with the stored keys. Raises SettingsError where there is no database to read."""
    found = load(makes_keys=False)
    if tuple((_words(arguments) or [])[:2]) == _NO_DATABASE:
        return _without_database(found)
    file = found.database_url.removeprefix("sqlite:///")
    if file != found.database_url and not Path(file).exists():
        raise SettingsError(
            f"TOCSIN_DATABASE_URL: there is no database at {file}; give this command the settings of the service,"
            " or make one by `flask db upgrade`"
        )
    return found


def _without_database(settings: Settings) -> Settings:
    nowhere = f"sqlite:///{os.devnull}"  # never opened; its folder is there
    return replace(settings, database_url=nowhere, queue_url=nowhere, limits_url="off")
