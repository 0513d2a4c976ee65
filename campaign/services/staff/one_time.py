"""What lets somebody in once: authenticator codes, recovery codes and passkey challenges.

Each is taken by one conditional statement in the transaction of the log-in: of several who use the same one at once,
the database lets one go on, and the others find it gone. A log-in that fails leaves it unused.
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

# A challenge is answered within a minute (Flask-Security).
_REMEMBERED = timedelta(hours=1)


def take_code(session: Session, staff_id: int, step: int, *, is_first: bool) -> bool:
    """Take the authenticator's code of that time step (RFC 6238, 5.2); return False where it or a later one was taken.

    `is_first`: the code sets up the first second factor in the middle of a log-in by password alone, which is refused
    once there is one: whoever has the password must not put an authenticator in the place of the owner's.
    """
    unused = or_(Staff.tf_last_counter.is_(None), Staff.tf_last_counter < step)
    wanted = update(Staff).where(Staff.id == staff_id, unused).values(tf_last_counter=step)
    if is_first:
        has_passkey = exists().where(Passkey.user_id == Staff.id)
        wanted = wanted.where(Staff.tf_primary_method.is_(None), ~has_passkey)
    found = session.execute(wanted.returning(Staff.id).execution_options(synchronize_session=False)).first()
    return found is not None


def take_recovery_code(
    session: Session, staff_id: int, find: Callable[[list[str]], int | None], *, context: Context
) -> bool:
    """Take one recovery code; `find` gets the encrypted ones and returns the place of the one that was typed.

    Return False where it is none of them, or was taken meanwhile. Raises CipherError.
    """
    stored = Staff.mf_recovery_sealed
    before, link_key = session.execute(select(stored, Staff.link_key).where(Staff.id == staff_id)).one()
    place, vault = at_staff(link_key), context.vault
    codes = [] if before is None else vault.open_recovery(before, place)
    number = find(codes)
    if number is None:
        return False
    left = vault.seal_recovery([*codes[:number], *codes[number + 1 :]], place)
    taken = update(Staff).where(Staff.id == staff_id, stored == before).values(mf_recovery_sealed=left)
    found = session.execute(taken.returning(Staff.id).execution_options(synchronize_session=False)).first()
    return found is not None


def take_challenge(session: Session, challenge: str, *, context: Context) -> bool:
    """Take a passkey's challenge: an answer to it that was seen does not let in again. False where it was taken."""
    row = {"digest": context.vault.login_digest(f"challenge {challenge}"), "expires_at": context.now + _REMEMBERED}
    return insert_or_ignore(session.connection(), SpentSolution, row)
