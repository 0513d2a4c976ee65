"""Classification of database errors: the database is unreachable, it refuses this program, or a statement is wrong.

Only the first two are transient: waiting can help. Retrying does not help against a wrong statement or setting, and it
must never be reported as "the database is away".
"""

from __future__ import annotations

import re
import sqlite3
from dataclasses import dataclass

import psycopg
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError

_DETAIL_LENGTH = 300
UNREACHABLE = "the database is away"
_POOL_EXHAUSTED = "no connection to the database became free: it is slow or away, or we keep too many"
# Codes of this module for errors without an SQLSTATE: the server refused the connection; TLS cannot be set up.
_REFUSED, _TLS_FAILED = "FATAL", "TLS"
# The transient errors and their descriptions in the log, by SQLSTATE or its class (PostgreSQL, appendix A).
_MEANINGS = {
    "08": UNREACHABLE,
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
    "57": UNREACHABLE,
    "57014": "the database took too long",
    "57P03": "the database is starting, stopping or recovering",
    "58": "the database has a fault of its machine",
    "XX001": "the database's data are damaged",
    "XX002": "an index of the database is damaged",
    _TLS_FAILED: "the database's certificate or encryption is not what the settings ask for",
}
# When the server refuses a connection, libpq gives no SQLSTATE, only a message. It is in English unless the server has
# another language. The message's pattern, and the SQLSTATE that it stands for:
_MESSAGE_CODES = (
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
    (r"certificate verify failed|does not match host name|does not support SSL|channel binding required", _TLS_FAILED),
)
# The beginning of psycopg's message when a connection attempt fails, and the server's answer in libpq's message: the
# severity in the server's language, then two spaces. libpq's own errors do not have this form.
_CONNECTION_ATTEMPT = re.compile(r"connection (failed|is bad): ")
_SERVER_ANSWER = re.compile(r"failed: [^\s:]+(?: [^\s:]+)?:  \S")
# Errors in the settings, which libpq finds before it contacts a server.
_SETTING_ERROR = re.compile(
    r'(root certificate|certificate|private key|password|service|CRL) file "[^"]*"|invalid [\w ]+ (value|number|option)'
    r"|could not (load|open|read) [\w ]*(certificate|key)|requires? SSL|sslmode"
)
_UNREACHABLE_SERVER = re.compile(
    r"connection to server |could not translate host name|failed to resolve host|no host found"
)
# Messages of psycopg, libpq and OpenSSL for an open connection that breaks; in Python they are always in English.
_BROKEN_CONNECTION = re.compile(
    r"server closed the connection|the connection is (closed|lost)|no connection to the server|SSL SYSCALL|SSL error"
    r"|SSL connection has been closed|could not (send|receive) data|Connection reset|Connection timed out|Broken pipe"
    r"|No route to host|Network is (unreachable|down)|Host is down"
)
# The transient ones of SQLite's result codes (https://www.sqlite.org/rescode.html); SQLITE_ERROR is a wrong statement.
_SQLITE_MEANINGS = {
    "SQLITE_BUSY": "the database is busy",
    "SQLITE_LOCKED": "the database is busy",
    "SQLITE_PROTOCOL": "the database is busy",
    "SQLITE_FULL": "the database's disk is full",
    "SQLITE_CANTOPEN": UNREACHABLE,
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
        is_transient: Whether waiting can help; if not, a statement, a setting or the program is wrong.
        words: The description for a log.
        code: SQLSTATE, or SQLite's name of the error.
        detail: The first line of the error's message, without values of a row; empty where there is none.
    """

    is_transient: bool
    words: str
    code: str
    detail: str

    def __str__(self) -> str:
        """Return one line for a log."""
        return f"{self.words} ({self.code}): {self.detail}" if self.detail else f"{self.words} ({self.code})"


def diagnose(error: Exception) -> Diagnosis:
    """Return the meaning of an error. An error of another kind than the database's counts as one of this program."""
    if isinstance(error, PoolTimeoutError):
        return Diagnosis(True, _POOL_EXHAUSTED, "pool", "")
    if not isinstance(error, DBAPIError | psycopg.Error | sqlite3.Error):
        return Diagnosis(False, "an error of ours", type(error).__name__, _first_line(error))
    original = (error.orig or error) if isinstance(error, DBAPIError) else error
    code = _code(original)
    words = _meaning(code)
    if words is None and isinstance(error, DBAPIError) and error.connection_invalidated:
        words = UNREACHABLE
    detail = _first_line(original)
    if words is None:
        own_errors = {"setting": "a setting of ours is wrong", "unknown": "an error of ours"}
        words = own_errors.get(code, "a statement of ours is wrong")
        return Diagnosis(False, words, f"{code}, {type(original).__name__}", detail)
    return Diagnosis(True, words, code, detail)


def is_transient(error: Exception) -> bool:
    """Return whether the same operation can succeed later without a change to the program or its settings."""
    return diagnose(error).is_transient


def _code(original: BaseException) -> str:
    """Return the SQLSTATE, or SQLite's name of the error without its extension.

    Without either, return a code of this module: `FATAL` if the server refused the connection with an unknown message,
    `setting` if libpq could not use a setting, and `unknown` if the driver itself refused the call.
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
    code = next((code for pattern, code in _MESSAGE_CODES if re.search(pattern, message)), None)
    return code or _code_of_origin(original, message)


def _code_of_origin(original: psycopg.OperationalError, message: str) -> str:
    """Return the code of an error with an unknown message, by its origin: the server, the network or the driver."""
    if isinstance(original, psycopg.errors.ConnectionTimeout):
        return "08001"
    if _CONNECTION_ATTEMPT.match(message):
        # If there are several hosts, the one that answered counts.
        if _SERVER_ANSWER.search(message):
            return _REFUSED
        if _SETTING_ERROR.search(message):
            return "setting"
    if _UNREACHABLE_SERVER.search(message):
        return "08001"
    if isinstance(original, psycopg.errors.CancellationTimeout) or _BROKEN_CONNECTION.search(message):
        return "08006"
    return "setting" if _CONNECTION_ATTEMPT.match(message) else "unknown"


def _meaning(code: str) -> str | None:
    if code.startswith("SQLITE_"):
        return _SQLITE_MEANINGS.get(code)
    return _MEANINGS.get(code) or (_MEANINGS.get(code[:2]) if len(code) == 5 else None)


def _first_line(error: BaseException) -> str:
    """Return the first line of the message, shortened, without values of a row."""
    # Later lines of PostgreSQL's errors may show a row's values. SQLite's error for bad UTF-8 shows them after "with
    # text".
    lines = str(error).partition(" with text '")[0].splitlines()
    if isinstance(error, psycopg.OperationalError) and _CONNECTION_ATTEMPT.match(str(error)):
        # psycopg lists all hosts here. The line of a host that answered says most.
        lines = [line for line in lines if _SERVER_ANSWER.search(line)] or lines
    return " ".join(lines[0].split())[:_DETAIL_LENGTH] if lines else ""
