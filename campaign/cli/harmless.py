"""Commands that need no settings and write nothing: help, new keys, reading a document.

They must work before anything is configured, and must leave nothing behind, whoever runs them: a key made by root for
`flask --help` could not be read by the service afterwards.
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
# Options of `flask` itself that are followed by a value.
_WITH_VALUE = {"-A", "--app", "-e", "--env-file"}


def is_harmless(arguments: Sequence[str]) -> bool:
    """Return whether this command line is one of them; `arguments` is sys.argv."""
    program = Path(arguments[0]) if arguments else Path()
    if program.name not in {"flask", "flask.exe"} and program.parts[-2:] != ("flask", "__main__.py"):
        return False
    given, words = list(arguments[1:]), list[str]()
    while given:
        word = given.pop(0)
        if word == "--help":
            return True
        if word in _WITH_VALUE and not words:
            del given[:1]
        elif not word.startswith("-"):
            words.append(word)
    return not words or bool({tuple(words[:1]), tuple(words[:2])} & _COMMANDS)


def harmless_settings() -> Settings:
    """Return the settings where they are right, else the defaults; keys that are missing exist in memory only."""
    try:
        found = load(stores_keys=False)
    except SettingsError:
        found = load({}, stores_keys=False)
    nowhere = f"sqlite:///{os.devnull}"  # never opened; its folder is there
    return replace(found, database_url=nowhere, queue_url=nowhere, limits_url="off")
