"""Classification of database errors: the database is unreachable, it refuses this program, or a statement is wrong.

Only the first two can pass by waiting. A wrong statement or setting stays wrong however often it is retried, and must
never be reported as "the database is away".
"""

from __future__ import annotations

import re
import sqlite3
from dataclasses import dataclass

import psycopg
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError

_MOST_CHARACTERS = 300
AWAY = "the database is away"
_FULL = "no connection to the database became free: it is slow or away, or we keep too many"
_REFUSED, _UNSAFE = "FATAL", "TLS"
# By SQLSTATE or its class (PostgreSQL, appendix A): the errors that a retry can heal, and their names in the log.
_MEANINGS = {
    "08": AWAY,
    "25006": "the database takes no writes: a standby, or a read-only one",
    "25P03": "the database broke a transaction off: it stood idle",
    "25P04": "the database broke a transaction off: it took too long",
    "28": "the database refuses us: unknown role, or it may not come from here",
    "28P01": "the database refuses us: wrong password",
    _REFUSED: "the database refuses us",
    "3D000": "the database refuses us: there is no database of that name",
    "40001": "the database broke a transaction off: it ran into another",
    "40P01": "the database broke a transaction off: a deadlock",
    "53": "the database lacks resources",
    "53100": "the database's disk is full",
    "53300": "the database refuses us: too many connections",
    "55P03": "the database did not get a lock in time",
    "57": AWAY,
    "57014": "the database took too long",
    "57P03": "the database is starting, stopping or recovering",
    "58": "the database has a fault of its machine",
    "XX001": "the database's data are damaged",
    "XX002": "an index of the database is damaged",
    _UNSAFE: "the database's certificate or encryption is not what the settings ask for",
}
# When a connection is refused, libpq gives no SQLSTATE, only a message: in English, unless the server is set otherwise.
_MESSAGES = (
    (r"password authentication failed|no password supplied", "28P01"),
    (
        r'role "[^"]*" (does not exist|is not permitted)|pg_hba\.conf (entry|rejects)|authentication failed',
        "28000",
    ),
    (r"permission denied for database", "28000"),
    (r'database "[^"]*" does not exist', "3D000"),
    (r"too many clients|too many connections|remaining connection slots", "53300"),
    (r"starting up|shutting down|recovery mode|not yet accepting|not (currently )?accepting connections", "57P03"),
    (r"session is read-only|server is in hot standby", "25006"),
    (r"certificate verify failed|does not match host name|does not support SSL|channel binding required", _UNSAFE),
)
# How psycopg's message begins when a connection attempt fails, and how libpq shows the server's answer to it: the
# severity in the server's language, then two spaces. libpq's own errors do not have this form.
_CONNECTING = re.compile(r"connection (failed|is bad): ")
_ANSWERED = re.compile(r"failed: [^\s:]+(?: [^\s:]+)?:  \S")
# Errors that libpq finds on this machine before it contacts any server.
_SETTING = re.compile(
    r'(root certificate|certificate|private key|password|service|CRL) file "[^"]*"|invalid [\w ]+ (value|number|option)'
    r"|could not (load|open|read) [\w ]*(certificate|key)|requires? SSL|sslmode"
)
_UNREACHED = re.compile(r"connection to server |could not translate host name|failed to resolve host|no host found")
# Messages of psycopg, libpq and OpenSSL for a connection that breaks later. Python leaves libpq's messages in English.
_BROKEN = re.compile(
    r"server closed the connection|the connection is (closed|lost)|no connection to the server|SSL SYSCALL|SSL error"
    r"|SSL connection has been closed|could not (send|receive) data|Connection reset|Connection timed out|Broken pipe"
    r"|No route to host|Network is (unreachable|down)|Host is down"
)
# SQLite's result codes (https://www.sqlite.org/rescode.html). SQLITE_ERROR means a wrong statement, so it is left out.
_SQLITE = {
    "SQLITE_BUSY": "the database is busy",
    "SQLITE_LOCKED": "the database is busy",
    "SQLITE_PROTOCOL": "the database is busy",
    "SQLITE_FULL": "the database's disk is full",
    "SQLITE_CANTOPEN": AWAY,
    "SQLITE_IOERR": "the database's disk has a fault",
    "SQLITE_READONLY": "the database takes no writes",
    "SQLITE_CORRUPT": "the database's file is damaged",
    "SQLITE_NOTADB": "the database's file is damaged",
    "SQLITE_NOMEM": "the database lacks resources",
    "SQLITE_INTERRUPT": "the database took too long",
}


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """The meaning of an error.

    Attributes:
        may_pass: Whether waiting can help; else a statement, a setting or the program is wrong.
        words: The meaning in words.
        code: SQLSTATE, or SQLite's name of the error.
        detail: The first line of the error's message, without values of a row; empty where there is none.
    """

    may_pass: bool
    words: str
    code: str
    detail: str

    def __str__(self) -> str:
        """Return one line for a log."""
        return f"{self.words} ({self.code}): {self.detail}" if self.detail else f"{self.words} ({self.code})"


def diagnose(error: Exception) -> Diagnosis:
    """Return the meaning of an error. One that is not the database's counts as an error of this program."""
    if isinstance(error, PoolTimeoutError):
        return Diagnosis(True, _FULL, "pool", "")
    if not isinstance(error, DBAPIError | psycopg.Error | sqlite3.Error):
        return Diagnosis(False, "an error of ours", type(error).__name__, _shortened(error))
    original = (error.orig or error) if isinstance(error, DBAPIError) else error
    code = _code(original)
    words = _meaning(code)
    if words is None and isinstance(error, DBAPIError) and error.connection_invalidated:
        words = AWAY
    detail = _shortened(original)
    if words is None:
        ours = {"setting": "a setting of ours is wrong", "unknown": "an error of ours"}
        words = ours.get(code, "a statement of ours is wrong")
        return Diagnosis(False, words, f"{code}, {type(original).__name__}", detail)
    return Diagnosis(True, words, code, detail)


def may_pass(error: Exception) -> bool:
    """Return whether the same operation can succeed later without a change to the program or its settings."""
    return diagnose(error).may_pass


def _code(original: BaseException) -> str:
    """Return the SQLSTATE, or SQLite's name of the error without its extension.

    Without either, return `FATAL` where the server refused in another language than English, `setting` where libpq
    could not use a setting, and `unknown` where the driver itself refused the call.
    """
    if isinstance(original, sqlite3.Error):
        name = getattr(original, "sqlite_errorname", None) or "unknown"
        return "_".join(name.split("_")[:2])
    sqlstate = getattr(original, "sqlstate", None)
    if sqlstate:
        return str(sqlstate)
    if not isinstance(original, psycopg.OperationalError):
        return "unknown"
    message = str(original)
    code = next((code for pattern, code in _MESSAGES if re.search(pattern, message)), None)
    return code or _code_of_origin(original, message)


def _code_of_origin(original: psycopg.OperationalError, message: str) -> str:
    """Return the code of an error whose message is not known, by its origin: the server, the network or the driver."""
    if isinstance(original, psycopg.errors.ConnectionTimeout):
        return "08001"
    if _CONNECTING.match(message):
        # Of several hosts the one that answered counts.
        if _ANSWERED.search(message):
            return _REFUSED
        if _SETTING.search(message):
            return "setting"
    if _UNREACHED.search(message):
        return "08001"
    if isinstance(original, psycopg.errors.CancellationTimeout) or _BROKEN.search(message):
        return "08006"
    return "setting" if _CONNECTING.match(message) else "unknown"


def _meaning(code: str) -> str | None:
    if code.startswith("SQLITE_"):
        return _SQLITE.get(code)
    return _MEANINGS.get(code) or (_MEANINGS.get(code[:2]) if len(code) == 5 else None)


def _shortened(error: BaseException) -> str:
    # Only the first line of PostgreSQL's errors: later ones may show a row's values, as does SQLite's for bad UTF-8.
    lines = str(error).partition(" with text '")[0].splitlines()
    if isinstance(error, psycopg.OperationalError) and _CONNECTING.match(str(error)):
        # psycopg lists all hosts here: the line of a host that answered says more than that of the last host.
        lines = [line for line in lines if _ANSWERED.search(line)] or lines
    return " ".join(lines[0].split())[:_MOST_CHARACTERS] if lines else ""
