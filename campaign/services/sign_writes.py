"""What a sign-up writes, as SQL: the row that waits for its mailbox, the mail owed to it, and the sums of steps.

The statements are the same for every address, whatever it has done: what they took must not tell. PostgreSQL takes all
of them as one (extensions/together.py), SQLite one after the other (extensions/compiled.py). Where the human check was
asked for, its proof is spent with them: written down where it may stand only once, so that a second time breaks the
whole.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from sqlalchemy import (
    BindParameter,
    ColumnElement,
    Connection,
    Insert,
    Select,
    and_,
    bindparam,
    case,
    exists,
    insert,
    literal_column,
    null,
    or_,
    select,
    union_all,
)
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import IntegrityError

from campaign.domain.errors import SpentError, UnknownKeyError
from campaign.domain.funnel import Aspect, Step
from campaign.domain.outbox import MailState
from campaign.extensions.compiled import Compiled
from campaign.models import Mail, RowKey, SignUp, SpentSolution, TallyStep
from campaign.services.outbox import SIGN_UP_COLUMNS
from campaign.services.steps import KEYS, adding
from campaign.services.tally import free_slot

# What the newest form says, and what one that looks like part of a flood never changes of one that does not.
_REPLACED = (
    "section_code",
    "content_digest",
    # To which what is sealed is bound; the same for all forms of one address.
    "link_key",
    "name_sealed",
    "email_sealed",
    "origin_sealed",
    "locale",
    "text_language",
    "text_version",
    "wording",
    "flag",
    "network_digest",
    "domain_digest",
    "signed_at",
)
_SIGN_UP = ("id", "appeal_id", "address_digest", *_REPLACED)


def _said(value: str | int) -> ColumnElement[Any]:
    """A constant of ours, written into the statement: each parameter costs, and these are always the same."""
    return literal_column(repr(value))


def write_sign_up(connection: Connection, values: Mapping[str, Mapping[str, Any]]) -> None:
    """Write the rows, whose columns are given as `sign_up`, `mail`, `step`, and `spent` where a proof was asked for.

    `step` has the KEYS that are not said here, and how much is counted; its `provider`, and its `source` or None, are
    what is counted. Raises SpentError where the proof was taken before, and
    UnknownKeyError where the database does not have the batch of the row's key; then the transaction is broken.
    """
    try:
        _write(connection, values, connection.dialect.name)
    except IntegrityError as error:
        if "link_key" in str(error.orig):
            raise UnknownKeyError from error
        if SpentSolution.__tablename__ in str(error.orig):
            raise SpentError from error
        raise


def _write(connection: Connection, values: Mapping[str, Mapping[str, Any]], dialect: str) -> None:
    given = {f"{part}_{name}": value for part, row in values.items() for name, value in row.items()}
    given["step_slot"] = free_slot(dialect)
    if dialect != "sqlite":
        connection.execute(_AT_ONCE["spent" in values], given)
        return
    if "spent" in values:
        _SPENT.run(connection, values["spent"])
    sign_up_id = _FIRST.run(connection, given).scalar_one()
    # A mail that never leaves names no form.
    is_unwanted = values["mail"]["state"] == MailState.SUPPRESSED.value
    given["mail_sign_up_id"] = None if is_unwanted else sign_up_id
    for part in _FOLLOWING:
        part.run(connection, given)


def _upsert(module: Any) -> Any:
    new = module.insert(SignUp)
    columns = SignUp.__table__.c
    is_refused = and_(columns["flag"].is_(None), new.excluded["flag"].is_not(None))
    is_same = columns["content_digest"] == new.excluded["content_digest"]
    changes: dict[str, Any] = {name: case((is_refused, columns[name]), else_=new.excluded[name]) for name in _REPLACED}
    # The same form again is the same sign-up: the link that was mailed confirms it still. What it says now, where that
    # is something else, has not been mailed.
    for name in ("mailed_at", "reminded_at"):
        changes[name] = case((or_(is_refused, is_same), columns[name]), else_=null())
    # It waits anew, whatever came of an earlier form: nothing of that is to be seen in its row.
    changes["signature_id"] = case((is_refused, columns["signature_id"]), else_=null())
    return new.on_conflict_do_update(index_elements=["appeal_id", "address_digest"], set_=changes).returning(SignUp.id)


def _places(model: type[Any], names: Iterable[str], part: str) -> dict[str, BindParameter[Any]]:
    """Where the values of a row go, under names that no other part uses."""
    return {name: bindparam(f"{part}_{name}", type_=model.__table__.c[name].type) for name in names}


def _form() -> dict[str, Any]:
    """Return the columns of a form. Without the row's batch of keys it would never open: then it has no link key."""
    row: dict[str, Any] = dict(_places(SignUp, _SIGN_UP, "sign_up"))
    is_there = exists().where(RowKey.id == bindparam("sign_up_batch", type_=RowKey.__table__.c.id.type))
    row["link_key"] = case((is_there, row["link_key"]))
    return row


def _counting(module: Any) -> Insert:
    """Counts every form alike, whoever has signed before."""
    row: dict[str, Any] = dict(_places(TallyStep, (*KEYS, "slot", "quantity"), "step"))
    row["step"] = _said(Step.SIGNED.value)
    cells = []
    for aspect in Aspect.PROVIDER, Aspect.SOURCE:
        value = bindparam(f"step_{aspect.value}", type_=TallyStep.__table__.c["value"].type)
        cell = row | {"aspect": _said(aspect.value), "value": value}
        cells.append(select(*cell.values()).where(value.is_not(None)))
    added: Insert = adding(module).from_select(list(row), union_all(*cells))
    return added


def _at_once(*, is_solved: bool) -> Select[Any]:
    kept = _upsert(postgresql).values(_form()).cte("kept")
    row: dict[str, Any] = {**_places(Mail, SIGN_UP_COLUMNS, "mail"), "sign_up_id": kept.c.id}
    row["sign_up_id"] = case((row["state"] == _said(MailState.SUPPRESSED.value), null()), else_=kept.c.id)
    owed = insert(Mail).from_select(list(row), select(*row.values()).select_from(kept))
    # PostgreSQL runs them from the last to the first.
    parts: dict[str, Insert] = {"counted": _counting(postgresql), "owed": owed}
    if is_solved:
        parts["spent"] = insert(SpentSolution).values(_places(SpentSolution, ("digest", "expires_at"), "spent"))
    return select(kept.c.id).add_cte(*(part.cte(name) for name, part in parts.items()))


_AT_ONCE = {is_solved: _at_once(is_solved=is_solved) for is_solved in (False, True)}
_SPENT, _FIRST = Compiled(insert(SpentSolution)), Compiled(_upsert(sqlite).values(_form()))
_OWED = insert(Mail).values(_places(Mail, (*SIGN_UP_COLUMNS, "sign_up_id"), "mail"))
_FOLLOWING = [Compiled(_OWED), Compiled(_counting(sqlite))]
