"""Second factors that are valid once: authenticator codes, recovery codes and passkey challenges.

A conditional statement in the transaction of the log-in uses each up. If several requests use the same one at once, the
database lets one succeed. A log-in that fails uses nothing up.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

from sqlalchemy import exists, or_, select, update
from sqlalchemy.orm import Session

from campaign.domain.privacy.sealed_place import at_staff
from campaign.models import Passkey, SpentSolution, Staff
from campaign.platform.context import Context
from campaign.platform.database.insert_or_ignore import insert_or_ignore

# How long a used challenge is stored; Flask-Security accepts its answer for a minute only.
_STORED_FOR = timedelta(hours=1)


def use_code(session: Session, staff_id: int, step: int, *, is_first: bool) -> bool:
    """Use up the authenticator's code of that time step; return False if it or a later one was used (RFC 6238, 5.2).

    With `is_first`, the code sets up the account's first second factor, during a log-in by password alone. Return False
    then if the account has a factor: an attacker with the password must not replace the owner's authenticator.
    """
    unused = or_(Staff.tf_last_counter.is_(None), Staff.tf_last_counter < step)
    using = update(Staff).where(Staff.id == staff_id, unused).values(tf_last_counter=step)
    if is_first:
        has_passkey = exists().where(Passkey.user_id == Staff.id)
        using = using.where(Staff.tf_primary_method.is_(None), ~has_passkey)
    row = session.execute(using.returning(Staff.id).execution_options(synchronize_session=False)).first()
    return row is not None


def use_recovery_code(
    session: Session, staff_id: int, find_index: Callable[[list[str]], int | None], *, context: Context
) -> bool:
    """Use up a recovery code; `find_index` returns its index among the codes as Flask-Security encrypted them.

    Return False if `find_index` returns None, or another request has changed the codes. Raises CipherError.
    """
    stored = Staff.mf_recovery_sealed
    before, link_key = session.execute(select(stored, Staff.link_key).where(Staff.id == staff_id)).one()
    place, vault = at_staff(link_key), context.vault
    codes = [] if before is None else vault.open_recovery(before, place)
    index = find_index(codes)
    if index is None:
        return False
    remaining = vault.seal_recovery([*codes[:index], *codes[index + 1 :]], place)
    using = update(Staff).where(Staff.id == staff_id, stored == before).values(mf_recovery_sealed=remaining)
    row = session.execute(using.returning(Staff.id).execution_options(synchronize_session=False)).first()
    return row is not None


def use_challenge(session: Session, challenge: str, *, context: Context) -> bool:
    """Use up a passkey's challenge, so that its answer is valid once; return False if it was used already."""
    row = {"digest": context.vault.login_digest(f"challenge {challenge}"), "expires_at": context.now + _STORED_FOR}
    return insert_or_ignore(session.connection(), SpentSolution, row)
