"""What a sign-up writes, as SQL: the signature, and three rows that follow from how it stands afterwards.

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
    FromClause,
    Insert,
    Select,
    and_,
    bindparam,
    case,
    insert,
    literal_column,
    or_,
    select,
    union_all,
)
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import IntegrityError

from campaign.domain.errors import SpentError
from campaign.domain.funnel import Aspect, Standing, Step
from campaign.domain.outbox import MailKind
from campaign.domain.signature import SignatureState
from campaign.extensions.compiled import Compiled
from campaign.models import Consent, Mail, Signature, SpentSolution, TallyStep
from campaign.services.outbox import SIGNER_COLUMNS, unwanted_columns
from campaign.services.steps import KEYS, adding
from campaign.services.tally import free_slot

# What is replaced where the address has signed this appeal before; never that of a settled signature.
_REPLACED = (
    "section_code",
    "country",
    "state",
    "name_sealed",
    "email_sealed",
    "locale",
    "wants_updates",
    "shares_name",
    "via",
    "signed_at",
    "confirmed_at",
    "ended_at",
    "flag",
    "network_digest",
    "domain_digest",
    "name_digest",
    "is_repeat",
)
_SIGNATURE = ("appeal_id", "address_digest", "standing", *_REPLACED)
_CONSENT = [column.name for column in Consent.__table__.c if column.name not in {"id", "signature_id"}]


def _said(value: str | int) -> ColumnElement[Any]:
    """A constant of ours, written into the statement: each parameter costs, and these are always the same."""
    return literal_column(repr(value))


_PENDING, _CONFIRMED, _WITHDRAWN, _INVALIDATED = (
    _said(state.value)
    for state in (
        SignatureState.PENDING,
        SignatureState.CONFIRMED,
        SignatureState.WITHDRAWN,
        SignatureState.INVALIDATED,
    )
)
_SETTLED = [_CONFIRMED, _INVALIDATED]
# How the signature stands after the first write; the three others follow from it.
_KEPT = Signature.id, Signature.state, Signature.standing


def write_sign_up(connection: Connection, values: Mapping[str, Mapping[str, Any]]) -> None:
    """Writes the rows, whose columns are given as `signature`, `consent`, `mail`, `step` (of a new sign-up), and
    `spent` where a proof was asked for.

    `step` has the KEYS that are not said here; its `provider`, and its `source` or None, are what is counted. Raises
    SpentError where the proof was taken before; then the transaction is broken.
    """
    try:
        _write(connection, values, connection.dialect.name)
    except IntegrityError as error:
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
    given["signature_id"] = _FIRST.run(connection, values["signature"]).scalar_one()
    for part in _FOLLOWING:
        part.run(connection, given)


def _upsert(module: Any) -> Any:
    new = module.insert(Signature)
    columns = Signature.__table__.c
    is_settled = columns["state"].in_(_SETTLED)
    changes: dict[str, Any] = {name: case((is_settled, columns[name]), else_=new.excluded[name]) for name in _REPLACED}
    is_held = and_(columns["flag"].is_not(None), columns["standing"] == _said(int(Standing.NOT_FOLLOWED)))
    # Taken back, or never followed because it looked like part of a flood: it is followed from the start. Else once is
    # enough.
    changes["standing"] = case(
        (is_settled, columns["standing"]),
        (or_(columns["state"] == _WITHDRAWN, is_held), new.excluded["standing"]),
        (columns["standing"] == _said(int(Standing.FRESH)), _said(int(Standing.SIGNED_AGAIN))),
        else_=columns["standing"],
    )
    return new.on_conflict_do_update(index_elements=["appeal_id", "address_digest"], set_=changes).returning(*_KEPT)


def _places(model: type[Any], names: Iterable[str], part: str) -> dict[str, BindParameter[Any]]:
    """Where the values of a row go, under names that no other part uses."""
    return {name: bindparam(f"{part}_{name}", type_=model.__table__.c[name].type) for name in names}


def _consenting(kept: FromClause) -> Insert:
    """Nobody consents in the name of a signature that the mailbox has confirmed."""
    row: dict[str, Any] = {"signature_id": kept.c.id, **_places(Consent, _CONSENT, "consent")}
    return insert(Consent).from_select(list(row), select(*row.values()).where(kept.c.state.not_in(_SETTLED)))


def _owing(kept: FromClause) -> Insert:
    """Confirmed: the mail says so and brings the link. Invalidated: it is written down and never leaves."""
    row: dict[str, Any] = {**_places(Mail, SIGNER_COLUMNS, "mail"), "signature_id": kept.c.id}
    is_confirmed = kept.c.state == _CONFIRMED
    row["kind"] = case((is_confirmed, _said(MailKind.ALREADY_SIGNED.value)), else_=row["kind"])
    is_invalid = kept.c.state == _INVALIDATED
    for name, value in unwanted_columns("the signature is invalidated").items():
        row[name] = case((is_invalid, _said(value)), else_=row[name])
    return insert(Mail).from_select(list(row), select(*row.values()).select_from(kept))


def _counting(module: Any, kept: FromClause) -> Insert:
    """Adds nothing for who signs again."""
    is_new = and_(kept.c.state == _PENDING, kept.c.standing == _said(int(Standing.FRESH)))
    row: dict[str, Any] = dict(_places(TallyStep, (*KEYS, "slot"), "step"))
    row |= {"step": _said(Step.SIGNED.value), "quantity": case((is_new, _said(1)), else_=_said(0))}
    cells = []
    for aspect in Aspect.PROVIDER, Aspect.SOURCE:
        value = bindparam(f"step_{aspect.value}", type_=TallyStep.__table__.c["value"].type)
        cell = row | {"aspect": _said(aspect.value), "value": value}
        cells.append(select(*cell.values()).select_from(kept).where(value.is_not(None)))
    added: Insert = adding(module).from_select(list(row), union_all(*cells))
    return added


def _at_once(*, is_solved: bool) -> Select[Any]:
    kept = _upsert(postgresql).values(_places(Signature, _SIGNATURE, "signature")).cte("kept")
    # PostgreSQL runs them from the last to the first.
    parts = {"counted": _counting(postgresql, kept), "owed": _owing(kept), "consented": _consenting(kept)}
    if is_solved:
        parts["spent"] = insert(SpentSolution).values(_places(SpentSolution, ("digest", "expires_at"), "spent"))
    return select(kept.c.id).add_cte(*(part.cte(name) for name, part in parts.items()))


_AT_ONCE = {is_solved: _at_once(is_solved=is_solved) for is_solved in (False, True)}
_SPENT, _FIRST = Compiled(insert(SpentSolution)), Compiled(_upsert(sqlite), _SIGNATURE)
_BY_ID = select(*_KEPT).where(Signature.id == bindparam("signature_id")).subquery("kept")
_FOLLOWING = [Compiled(part) for part in (_consenting(_BY_ID), _owing(_BY_ID), _counting(sqlite, _BY_ID))]
