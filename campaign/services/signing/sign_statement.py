"""What a sign-up writes, as SQL: the row that waits for its mailbox, the mail owed to it, and the counts of the funnel.

The statements are the same for every address, whatever it has done: what they took must not tell. PostgreSQL takes all
of them as one (platform/database/combined_statement.py), SQLite one after the other
(platform/database/precompiled.py). Where the human check was asked for, its proof is spent with them: written down
where it may stand only once, so that a second time breaks the whole.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from sqlalchemy import (
    BigInteger,
    BindParameter,
    ColumnElement,
    Connection,
    Insert,
    Select,
    Update,
    bindparam,
    case,
    cast,
    exists,
    func,
    insert,
    literal_column,
    null,
    select,
    union_all,
    update,
)
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import IntegrityError

from campaign.domain.counting.funnel import FunnelAspect, FunnelStage
from campaign.domain.errors import ConcurrentSignUpError, SpentSolutionError, UnknownKeyError
from campaign.domain.outbox.mail_state import MailState
from campaign.models import FunnelCount, Mail, RowKey, SignUp, SpentSolution
from campaign.platform.database.precompiled import Precompiled
from campaign.services.counting.funnel_counts import KEYS, adding
from campaign.services.counting.tally import free_slot
from campaign.services.outbox.enqueue import SIGN_UP_COLUMNS

_SIGN_UP = (
    *("id", "appeal_id", "address_digest", "section_code", "content_digest", "link_key"),
    *("name_sealed", "email_sealed", "origin_sealed", "locale", "text_language", "text_version", "wording", "flag"),
    *("network_digest", "domain_digest", "signed_at"),
)


def _said(value: str | int) -> ColumnElement[Any]:
    """A constant of ours, written into the statement: each parameter costs, and these are always the same."""
    return literal_column(repr(value))


def write_sign_up(connection: Connection, values: Mapping[str, Mapping[str, Any]]) -> None:
    """Write the rows, whose columns are given as `sign_up`, `mail`, `funnel`, and `spent` where a proof was asked for.

    `superseded` has the `digest` that an earlier form of the address is known by from now on. Raises
    ConcurrentSignUpError where it is taken, or where another form of that address came at the same moment.

    `funnel` has the KEYS that are not said here, and how much is counted; its `provider`, and its `source` or None, are
    what is counted. Raises SpentSolutionError where the proof was taken before, and
    UnknownKeyError where the database does not have the batch of the row's key; then the transaction is broken.
    """
    try:
        _write(connection, values, connection.dialect.name)
    except IntegrityError as error:
        if "link_key" in str(error.orig):
            raise UnknownKeyError from error
        if "address_digest" in str(error.orig):
            raise ConcurrentSignUpError from error
        if SpentSolution.__tablename__ in str(error.orig):
            raise SpentSolutionError from error
        raise


def _write(connection: Connection, values: Mapping[str, Mapping[str, Any]], dialect: str) -> None:
    given = {f"{part}_{name}": value for part, row in values.items() for name, value in row.items()}
    given["funnel_slot"] = free_slot(dialect)
    if dialect != "sqlite":
        connection.execute(_AT_ONCE["spent" in values], given)
        return
    if "spent" in values:
        _SPENT.run(connection, values["spent"])
    _ASIDE.run(connection, given)
    sign_up_id = _FIRST.run(connection, given).scalar_one()
    # A mail that never leaves names no form.
    is_ineligible = values["mail"]["state"] == MailState.SUPPRESSED.value
    given["mail_sign_up_id"] = None if is_ineligible else sign_up_id
    for part in _FOLLOWING:
        part.run(connection, given)


def _stepping_aside() -> Update:
    """An earlier form of the address for the appeal, if there is one, keeps all but what it was found by."""
    columns = SignUp.__table__.c
    places = _places(SignUp, ("appeal_id", "address_digest"), "sign_up")
    lot = bindparam("superseded_digest", type_=columns["address_digest"].type)
    earlier = [columns[name] == place for name, place in places.items()]
    return update(SignUp).where(*earlier).values(address_digest=lot).execution_options(synchronize_session=False)


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
    row: dict[str, Any] = dict(_places(FunnelCount, (*KEYS, "slot", "quantity"), "funnel"))
    row["funnel_stage"] = _said(FunnelStage.SIGNED.value)
    cells = []
    for aspect in FunnelAspect.PROVIDER, FunnelAspect.SOURCE:
        value = bindparam(f"funnel_{aspect.value}", type_=FunnelCount.__table__.c["value"].type)
        cell = row | {"aspect": _said(aspect.value), "value": value}
        cells.append(select(*cell.values()).where(value.is_not(None)))
    added: Insert = adding(module).from_select(list(row), union_all(*cells))
    return added


def _at_once(*, is_solved: bool) -> Select[Any]:
    aside = _stepping_aside().returning(SignUp.id).cte("aside")
    form = _form()
    # It is read first, so that the earlier form has stepped aside when the new one is written.
    form["id"] = select(cast(form["id"], BigInteger) + literal_column("0") * func.count(aside.c.id)).scalar_subquery()
    kept = insert(SignUp).values(form).returning(SignUp.id).cte("kept")
    row: dict[str, Any] = {**_places(Mail, SIGN_UP_COLUMNS, "mail"), "sign_up_id": kept.c.id}
    row["sign_up_id"] = case((row["state"] == _said(MailState.SUPPRESSED.value), null()), else_=kept.c.id)
    owed = insert(Mail).from_select(list(row), select(*row.values()).select_from(kept))
    # PostgreSQL runs them from the last to the first.
    parts: dict[str, Insert] = {"counted": _counting(postgresql), "owed": owed}
    if is_solved:
        parts["spent"] = insert(SpentSolution).values(_places(SpentSolution, ("digest", "expires_at"), "spent"))
    return select(kept.c.id).add_cte(*(part.cte(name) for name, part in parts.items()))


_AT_ONCE = {is_solved: _at_once(is_solved=is_solved) for is_solved in (False, True)}
_SPENT, _ASIDE = Precompiled(insert(SpentSolution)), Precompiled(_stepping_aside())
_FIRST = Precompiled(insert(SignUp).values(_form()).returning(SignUp.id))
_OWED = insert(Mail).values(_places(Mail, (*SIGN_UP_COLUMNS, "sign_up_id"), "mail"))
_FOLLOWING = [Precompiled(_OWED), Precompiled(_counting(sqlite))]
