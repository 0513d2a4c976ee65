"""The SQL statements of a sign-up: its unconfirmed form, the mail to its mailbox, and the counts of the funnel.

The statements are the same for every address, whatever it has done before, so their duration reveals nothing. The cases
of an address that signs again differ only when it confirms: the module `confirm` has a table of them.

PostgreSQL runs the statements combined into one, SQLite runs them one after the other
(platform/database/precompiled.py). Where the human check was required, they also store its proof in a unique column, so
that using the proof a second time fails the whole transaction.
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
from campaign.services.counting.funnel_counts import KEY_COLUMNS, funnel_upsert
from campaign.services.counting.tally import choose_slot
from campaign.services.outbox.enqueue import SIGN_UP_MAIL_COLUMNS

_SIGN_UP_COLUMNS = (
    *("id", "appeal_id", "address_digest", "section_code", "content_digest", "link_key"),
    *("name_sealed", "email_sealed", "origin_sealed", "locale", "text_language", "text_version", "wording", "flag"),
    *("network_digest", "domain_digest", "signed_at"),
)


def _constant(value: str | int) -> ColumnElement[Any]:
    """Return the value as a constant in the text of the statement, because each parameter has a cost."""
    return literal_column(repr(value))


def write_sign_up(connection: Connection, values: Mapping[str, Mapping[str, Any]]) -> None:
    """Write the rows of a sign-up.

    An error leaves the transaction broken: the caller must roll it back.

    Args:
        connection: The connection in whose transaction the rows are written.
        values: The columns by part: `sign_up`; `mail`; `superseded`, with the `digest` that becomes the address digest
            of an earlier form of the address; `funnel`, with the provider, the source (or None) and the other
            KEY_COLUMNS that are not constants here; and `spent` where a proof was required.

    Raises:
        ConcurrentSignUpError: The digest is in use, or another form of the address arrived at the same moment.
        SpentSolutionError: The proof was used before.
        UnknownKeyError: The database does not have the batch of the row's key.
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
    """Run the statements: one on PostgreSQL, several on SQLite."""
    parameters = {f"{part}_{name}": value for part, row in values.items() for name, value in row.items()}
    parameters["funnel_slot"] = choose_slot(dialect)
    if dialect != "sqlite":
        connection.execute(_COMBINED["spent" in values], parameters)
        return
    if "spent" in values:
        _SPEND_SOLUTION.run(connection, values["spent"])
    _SUPERSEDE.run(connection, parameters)
    sign_up_id = _INSERT_SIGN_UP.run(connection, parameters).scalar_one()
    # A mail that never leaves does not refer to the form.
    is_ineligible = values["mail"]["state"] == MailState.SUPPRESSED.value
    parameters["mail_sign_up_id"] = None if is_ineligible else sign_up_id
    for part in _AFTER_SIGN_UP:
        part.run(connection, parameters)


def _supersede() -> Update:
    """Return the statement that replaces the address digest of an earlier form of the address for the appeal."""
    columns = SignUp.__table__.c
    keys = _parameters(SignUp, ("appeal_id", "address_digest"), "sign_up")
    digest = bindparam("superseded_digest", type_=columns["address_digest"].type)
    earlier = [columns[name] == parameter for name, parameter in keys.items()]
    return update(SignUp).where(*earlier).values(address_digest=digest).execution_options(synchronize_session=False)


def _parameters(model: type[Any], names: Iterable[str], part: str) -> dict[str, BindParameter[Any]]:
    """Return the parameters for the columns of a row, under names that no other part uses."""
    return {name: bindparam(f"{part}_{name}", type_=model.__table__.c[name].type) for name in names}


def _sign_up_parameters() -> dict[str, Any]:
    """Return the columns of a form as parameters.

    A form whose batch of keys is not stored could never be decrypted. So its link key becomes NULL, which the table
    refuses.
    """
    row: dict[str, Any] = dict(_parameters(SignUp, _SIGN_UP_COLUMNS, "sign_up"))
    has_key = exists().where(RowKey.id == bindparam("sign_up_batch", type_=RowKey.__table__.c.id.type))
    row["link_key"] = case((has_key, row["link_key"]))
    return row


def _insert_counts(module: Any) -> Insert:
    """Return the statement that counts the form under its provider, and under its source where it has one."""
    row: dict[str, Any] = dict(_parameters(FunnelCount, (*KEY_COLUMNS, "slot", "quantity"), "funnel"))
    row["funnel_stage"] = _constant(FunnelStage.SIGNED.value)
    cells = []
    for aspect in FunnelAspect.PROVIDER, FunnelAspect.SOURCE:
        value = bindparam(f"funnel_{aspect.value}", type_=FunnelCount.__table__.c["value"].type)
        cell = row | {"aspect": _constant(aspect.value), "value": value}
        cells.append(select(*cell.values()).where(value.is_not(None)))
    added: Insert = funnel_upsert(module).from_select(list(row), union_all(*cells))
    return added


def _combined(*, is_solved: bool) -> Select[Any]:
    """Return all statements as one for PostgreSQL; with `is_solved`, it also stores the proof of the human check."""
    superseded = _supersede().returning(SignUp.id).cte("superseded")
    form = _sign_up_parameters()
    # The id reads the update's result, so that the earlier form is superseded before the new one is written.
    form["id"] = select(
        cast(form["id"], BigInteger) + literal_column("0") * func.count(superseded.c.id)
    ).scalar_subquery()
    stored = insert(SignUp).values(form).returning(SignUp.id).cte("stored")
    row: dict[str, Any] = {**_parameters(Mail, SIGN_UP_MAIL_COLUMNS, "mail"), "sign_up_id": stored.c.id}
    row["sign_up_id"] = case((row["state"] == _constant(MailState.SUPPRESSED.value), null()), else_=stored.c.id)
    mail = insert(Mail).from_select(list(row), select(*row.values()).select_from(stored))
    # PostgreSQL runs them from the last to the first.
    parts: dict[str, Insert] = {"counted": _insert_counts(postgresql), "mail": mail}
    if is_solved:
        parts["spent"] = insert(SpentSolution).values(_parameters(SpentSolution, ("digest", "expires_at"), "spent"))
    return select(stored.c.id).add_cte(*(part.cte(name) for name, part in parts.items()))


_COMBINED = {is_solved: _combined(is_solved=is_solved) for is_solved in (False, True)}
_SPEND_SOLUTION, _SUPERSEDE = Precompiled(insert(SpentSolution)), Precompiled(_supersede())
_INSERT_SIGN_UP = Precompiled(insert(SignUp).values(_sign_up_parameters()).returning(SignUp.id))
_INSERT_MAIL = insert(Mail).values(_parameters(Mail, (*SIGN_UP_MAIL_COLUMNS, "sign_up_id"), "mail"))
_AFTER_SIGN_UP = [Precompiled(_INSERT_MAIL), Precompiled(_insert_counts(sqlite))]
