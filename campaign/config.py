"""The settings: environment variable, default, check and meaning of each; a wrong one stops the start with one line.

docs/settings.md shows the list below; a test compares the two.
"""

from __future__ import annotations

import base64
import binascii
import os
import re
import secrets
import stat
from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields
from email.utils import parseaddr
from pathlib import Path
from typing import Any
from urllib.parse import SplitResult, urlsplit

from dotenv import dotenv_values

from campaign import locales
from campaign.database_url import normalised_address
from campaign.theme import Theme, read_theme

ROOT = Path(__file__).resolve().parent.parent
PREFIX = "TOCSIN_"
LOCALES = locales.LOCALES
_DOMAIN = re.compile(r"[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)*", re.ASCII)
_AGE = re.compile(r"age1[a-z0-9]{58}")
_TRUE, _FALSE = {"1", "y", "yes", "true", "on"}, {"", "0", "n", "no", "false", "off"}


class SettingsError(Exception):
    """A setting is wrong or missing; the message names it and gives the reason in one line."""


@dataclass(frozen=True, slots=True)
class Settings:
    """All settings, checked. URLs have absolute paths; keys are bytes."""

    database_url: str
    secret_key: tuple[str, ...]
    data_key: tuple[bytes, ...]
    index_key: bytes
    base_url: str
    mail_url: str
    mail_from: str
    mail_rate: int | None
    mail_connections: int
    bounce_domain: str
    bounce_maildir: Path | None
    metrics_key: str | None
    queue_url: str
    limits_url: str
    challenge: str
    proxies: int
    retention_days: int
    backup_key: tuple[str, ...]
    erasure_journal: Path
    fonts: tuple[Path, ...]
    theme: Theme
    page_views: bool
    demo: bool
    is_development: bool
    instance: Path

    @property
    def is_https(self) -> bool:
        """Return whether supporters reach the site by TLS; only then it sends HSTS and Secure cookies."""
        return self.base_url.startswith("https://")

    @property
    def mail_domain(self) -> str:
        """Return the domain of Message-IDs, which is the sender's."""
        return parseaddr(self.mail_from)[1].rpartition("@")[2]


@dataclass(frozen=True, slots=True)
class Setting:
    """One environment variable. `read` converts its text to the value, or raises ValueError with the reason."""

    field: str
    default: str | None
    meaning: str
    read: Callable[[str, Path], Any]

    @property
    def variable(self) -> str:
        """Return the environment variable's name."""
        return PREFIX + self.field.upper()


def _read_bool(value: str, root: Path) -> bool:
    if value.lower() in _TRUE | _FALSE:
        return value.lower() in _TRUE
    raise ValueError("say 1 or 0")


def _read_count(value: str, root: Path) -> int:
    if not value.isascii() or not value.isdigit():
        raise ValueError("give a whole number, 0 or more")
    return int(value)


def _read_rate(value: str, root: Path) -> int | None:
    if value.lower() in _FALSE:
        return None
    return _read_count(value, root)


def _read_connections(value: str, root: Path) -> int:
    if not 1 <= (number := _read_count(value, root)) <= 64:
        raise ValueError("give a number from 1 to 64")
    return number


def _choice_reader(*choices: str) -> Callable[[str, Path], str]:
    """Return a reader that accepts only these values."""

    def read(value: str, root: Path) -> str:
        if value not in choices:
            raise ValueError("choose one of " + ", ".join(choices))
        return value

    return read


def _read_database(value: str, root: Path) -> str:
    """Return the URL as SQLAlchemy reads it, with an absolute path for an embedded database."""
    scheme, separator, rest = value.partition("://")
    if separator and scheme in {"postgresql", "postgres", "postgresql+psycopg"}:
        return "postgresql+psycopg://" + normalised_address(rest)
    if separator and scheme == "sqlite" and rest.startswith("/") and len(rest) > 1:
        return "sqlite:///" + str(root / rest[1:].partition("?")[0])
    raise ValueError("start with sqlite:/// or postgresql://")


def _read_secrets(value: str, root: Path) -> tuple[str, ...]:
    """Return the keys, of 32 characters or more, in their order."""
    keys = tuple(part.strip() for part in value.split(","))
    long_enough = [len(key) >= 32 for key in keys]
    if not any(long_enough) and len(value) >= 32:
        return (value,)  # a single key that contains a comma
    if not all(long_enough):
        raise ValueError("give at least 32 characters, and several keys with a comma between them")
    return keys


def _read_key(value: str, root: Path) -> bytes:
    """Return the 32 bytes of a key in base64."""
    try:
        key = base64.b64decode(value.strip(), validate=True)
    except binascii.Error as error:
        raise ValueError("give 32 bytes in base64") from error
    if len(key) != 32:
        raise ValueError(f"give 32 bytes in base64, not {len(key)}")
    return key


def _read_keys(value: str, root: Path) -> tuple[bytes, ...]:
    return tuple(_read_key(part, root) for part in value.split(","))


def _read_web_address(value: str, root: Path) -> str:
    """Return the address without a slash at its end."""
    parts = urlsplit(value)
    if parts.scheme not in {"http", "https"} or not parts.hostname or parts.query or parts.fragment or "@" in value:
        raise ValueError("give an address such as https://act.example.org")
    _check_port(parts)
    return value.rstrip("/")


def _check_port(parts: SplitResult) -> None:
    try:
        _ = parts.port
    except ValueError as error:
        raise ValueError("the port is no number") from error


def _read_mail_address(value: str, root: Path) -> str:
    if any(ord(character) < 32 for character in value) or "@" not in parseaddr(value)[1]:
        raise ValueError("give a sender such as Tocsin <act@example.org>")
    return value


def _read_domain(value: str, root: Path) -> str:
    if value and not _DOMAIN.fullmatch(value):
        raise ValueError("give a domain such as bounces.example.org")
    return value.lower()


def _read_mail_url(value: str, root: Path) -> str:
    """Return the URL of the mail server, or that of a Maildir with an absolute path."""
    scheme, _, rest = value.partition(":")
    if scheme == "maildir" and rest:
        return f"maildir:{root / rest}"
    if scheme in {"smtp", "smtps", "smtp+starttls"} and urlsplit(value).hostname:
        _check_port(urlsplit(value))
        return value
    raise ValueError("start with maildir:, smtp://, smtps:// or smtp+starttls://")


def _read_queue_url(value: str, root: Path) -> str:
    if value.startswith(("redis://", "rediss://")) or not value:
        return value
    return _read_database(value, root)


def _read_limits_url(value: str, root: Path) -> str:
    if value in {"off", "memory://"} or value.startswith(("redis://", "rediss://", "valkey://")):
        return value
    raise ValueError("say off, memory:// or redis://…")


def _read_shared_key(value: str, root: Path) -> str | None:
    if value and len(value) < 16:
        raise ValueError("give at least 16 characters")
    return value or None


def _read_public_keys(value: str, root: Path) -> tuple[str, ...]:
    """Return the public keys; refuse private ones, which must not be on this machine."""
    keys = tuple(part.strip() for part in value.split(",") if part.strip())
    if any(key.upper().startswith("AGE-SECRET-KEY-") for key in keys):
        raise ValueError("that is a private key, which has no place on this machine; give the public one, age1…")
    if not all(_AGE.fullmatch(key) for key in keys):
        raise ValueError("give public keys as `flask backup key` prints them, age1…")
    return keys


def _read_folder(value: str, root: Path) -> Path | None:
    return root / value if value else None


def _read_folders(value: str, root: Path) -> tuple[Path, ...]:
    """Return the folders, which must exist."""
    folders = tuple(root / part for part in value.split(os.pathsep) if part)
    for folder in folders:
        if not folder.is_dir():
            raise ValueError(f"{folder} is no folder")
    return folders


def _read_theme(value: str, root: Path) -> Theme:
    return read_theme(root / value if value else None)


SETTINGS = (
    Setting("database_url", "sqlite:///instance/tocsin.db", "`sqlite:///path` or `postgresql://…`", _read_database),
    Setting(
        "secret_key",
        None,
        "signs links; at least 32 characters; several separated by commas, newest first",
        _read_secrets,
    ),
    Setting(
        "data_key",
        None,
        "encrypts names and addresses; 32 bytes in base64; several separated by commas, newest first",
        _read_keys,
    ),
    Setting("index_key", None, "keyed look-up of addresses; 32 bytes in base64; never changes", _read_key),
    Setting(
        "base_url",
        "http://127.0.0.1:8000",
        "where supporters reach the site: all links begin with it, and only its host is answered",
        _read_web_address,
    ),
    Setting(
        "mail_url",
        "maildir:instance/mail",
        "or `smtp://user:pass@host:port`, `smtps://…`, `smtp+starttls://…`",
        _read_mail_url,
    ),
    Setting("mail_from", "Tocsin <tocsin@localhost>", "the sender of all mail", _read_mail_address),
    Setting("mail_rate", "off", "messages a minute to one recipient domain, for instance `600`", _read_rate),
    Setting(
        "mail_connections",
        "32",
        "connections that one worker uses at once while the mail server is fast",
        _read_connections,
    ),
    Setting("bounce_domain", "", "domain of the signed return paths; empty: the sender's domain", _read_domain),
    Setting(
        "metrics_key",
        "",
        "opens `/metrics` beyond private addresses (Bearer); at least 16 characters",
        _read_shared_key,
    ),
    Setting("bounce_maildir", "", "a Maildir where bounces arrive; workers read it each minute", _read_folder),
    Setting(
        "queue_url", "", "`sqlite:///path`, `postgresql://…`, `redis://…`; empty: follows the database", _read_queue_url
    ),
    Setting(
        "limits_url", "memory://", "where rate limits are counted: `memory://`, `redis://…`, or `off`", _read_limits_url
    ),
    Setting(
        "challenge", "adaptive", "human check: `off`, `adaptive`, `always`", _choice_reader("off", "adaptive", "always")
    ),
    Setting("proxies", "0", "number of proxies in front whose forwarded address is believed", _read_count),
    Setting("retention_days", "180", "days after closing after which addresses are anonymised", _read_count),
    Setting(
        "backup_key", "", "public keys that backups are encrypted to (`age1…`), separated by commas", _read_public_keys
    ),
    Setting(
        "erasure_journal",
        "",
        "folder of the erasure journal, read when a backup is restored; empty: beside the database",
        _read_folder,
    ),
    Setting("fonts", "", "folders with further fonts for PDF, separated as in PATH", _read_folders),
    Setting("theme", "", "the organisation's name, logo, colours and texts: a TOML file", _read_theme),
    Setting("page_views", "off", "count page views of appeals, without cookie or identifier", _read_bool),
    Setting("demo", "off", "demonstration: the mailbox page at `/dev/mail` exists only with this", _read_bool),
)


def new_keys() -> dict[str, str]:
    """Return a new value for each setting that is a key, by its environment variable."""
    return {setting.variable: _KEY_MAKERS[setting.field]() for setting in SETTINGS if setting.field in _KEY_MAKERS}


# Each makes a new key. In development, keys are created once and stored under instance/.
_KEY_MAKERS: dict[str, Callable[[], str]] = {
    "secret_key": lambda: secrets.token_urlsafe(48),
    "data_key": lambda: base64.b64encode(secrets.token_bytes(32)).decode(),
    "index_key": lambda: base64.b64encode(secrets.token_bytes(32)).decode(),
}


def load(
    environ: Mapping[str, str] | None = None, root: Path = ROOT, *, stores_keys: bool = True, makes_keys: bool = True
) -> Settings:
    """Return the settings from the environment, which takes precedence over `.env`.

    Args:
        environ: The environment; by default the process's and `.env`.
        root: The folder that relative paths start from.
        stores_keys: If false, missing keys are created for this process only, and stored ones are not read.
        makes_keys: If false, stored keys are read, and nothing is written.

    Raises:
        SettingsError: A setting is wrong or missing; the message names the first.
    """
    if environ is None:
        environ = {**{key: value or "" for key, value in dotenv_values(root / ".env").items()}, **os.environ}
    instance = root / "instance"
    values: dict[str, Any] = {"instance": instance, "is_development": _is_development(environ)}
    for setting in SETTINGS:
        text = environ.get(setting.variable, "").strip() or setting.default
        if text is None:
            text = _stored_key(setting, environ, instance, makes_keys) if stores_keys else _KEY_MAKERS[setting.field]()
        try:
            values[setting.field] = setting.read(text, root)
        except ValueError as error:
            raise SettingsError(f"{setting.variable}: {error}") from error
    values["bounce_domain"] = values["bounce_domain"] or parseaddr(values["mail_from"])[1].rpartition("@")[2]
    values["queue_url"] = values["queue_url"] or _default_queue_url(values["database_url"])
    values["erasure_journal"] = (
        values["erasure_journal"] or _database_folder(values["database_url"], instance) / "erasure-journal"
    )
    return Settings(**{field.name: values[field.name] for field in fields(Settings)})


def _is_development(environ: Mapping[str, str]) -> bool:
    """Return whether this is a demonstration, Flask's debug mode, or a checkout without any configuration."""
    if environ.get("TOCSIN_DEMO", "").lower() in _TRUE or environ.get("FLASK_DEBUG", "").lower() in _TRUE:
        return True
    return not environ.get("TOCSIN_DATABASE_URL") and not environ.get("TOCSIN_BASE_URL")


def _stored_key(setting: Setting, environ: Mapping[str, str], instance: Path, makes_keys: bool) -> str:
    """Return the key that is stored under instance/.

    The first start creates it, readable by its owner only, if `makes_keys`; else it is made for this process only.
    """
    if not _is_development(environ):
        raise SettingsError(f"{setting.variable}: missing; {setting.meaning} (only TOCSIN_DEMO=1 makes one by itself)")
    path = instance / setting.field
    if not makes_keys and not path.exists():
        return _KEY_MAKERS[setting.field]()
    try:
        instance.mkdir(parents=True, exist_ok=True)
        # The key is written to another file and linked into place: two processes that start together get the same key.
        fresh = instance / f".{setting.field}.{os.getpid()}"
        if not path.exists():
            fresh.touch(mode=stat.S_IRUSR | stat.S_IWUSR)
            fresh.write_text(_KEY_MAKERS[setting.field]() + "\n")
            try:
                os.link(fresh, path)
            except FileExistsError:
                pass
            finally:
                fresh.unlink()
        return path.read_text().strip()
    except OSError as error:
        raise SettingsError(f"{setting.variable}: cannot keep a key in {path}: {error.strerror}") from error


def _database_folder(database_url: str, instance: Path) -> Path:
    """Return the folder of the embedded database, or the instance folder."""
    if database_url.startswith("sqlite:///"):
        return Path(database_url.removeprefix("sqlite:///")).parent
    return instance


def _default_queue_url(database_url: str) -> str:
    """Return the URL of the queue: the same server, or a file next to the embedded database."""
    if database_url.startswith("sqlite:///"):
        path = Path(database_url.removeprefix("sqlite:///"))
        return f"sqlite:///{path.with_name(path.stem + '-queue.db')}"
    return database_url
