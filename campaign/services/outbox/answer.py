"""The mail that answers a form: whether it leaves now, what it asks, and what else it gathers.

It is decided when the mail leaves, not when the form is sent: what the mailbox has done before is its own business.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import bindparam, case, select, text, update
from sqlalchemy.orm import Session

from campaign.domain.appeals.appeal import AppealState
from campaign.domain.errors import CipherError, StateError
from campaign.domain.outbox.mail_kind import MailKind
from campaign.domain.outbox.mail_state import JUST_MAILED
from campaign.domain.privacy.cipher import Vault
from campaign.domain.signing.address import Address, parse_address
from campaign.domain.signing.name import name_key
from campaign.domain.signing.signature import SignatureState
from campaign.models import Appeal, Mail, Section, Signature, SignUp
from campaign.models.privacy.sealed_columns import place_of
from campaign.platform.database.any_of_ids import any_of_ids
from campaign.queries.signing.sign_up import said_by, waiting_under
from campaign.services.outbox.mailbox_limit import MailboxLimits
from campaign.services.outbox.refused_recipients import FLAG, RefusedRecipients
from campaign.services.outbox.suppression import suppression_reasons

_FOUND = (
    select(SignUp, Appeal, Section.reply_to)
    .join(Appeal, Appeal.id == SignUp.appeal_id)
    .join(Section, Section.code == SignUp.section_code)
    .where(any_of_ids(SignUp.id, "sign_ups"))
    .execution_options(populate_existing=True)
)
_UNDER_WAY = select(Mail.sign_up_id).where(any_of_ids(Mail.sign_up_id, "sign_ups"), text("mail.state = 'sending'"))
# By the form's own time: when the mail left would tell which other forms of the mailbox it gathered.
_MAILED = (
    update(SignUp)
    .where(SignUp.id == bindparam("covered"), SignUp.content_digest == bindparam("shown"))
    .values(mailed_at=case((SignUp.mailed_at > SignUp.signed_at, SignUp.mailed_at), else_=SignUp.signed_at))
)
# They end when their turn comes, as every answer does that nobody needs; that is now.
_HURRIED = (
    update(Mail)
    .where(
        any_of_ids(Mail.sign_up_id, "covered"),
        text("mail.state IN ('queued', 'retry') AND mail.kind = 'confirmation'"),
        Mail.created_at <= bindparam("owed_by"),
        Mail.due_at > Mail.created_at,
    )
    .values(due_at=Mail.created_at)
    .execution_options(synchronize_session=False)
)
# As long as a mail with the same link is on its way.
_MOMENT = timedelta(minutes=1)


class IneligibleError(StateError):
    """Nobody wants this mail any more; the message says why."""

    @property
    def is_open(self) -> bool:
        """Whether anybody may read why: it says nothing of what an address has done."""
        return str(self).startswith("flagged")


class AnsweredError(IneligibleError):
    """Another mail has brought what this one was to bring."""


class PostponedError(StateError):
    """This mail leaves later: the mailbox has had enough for now."""

    def __init__(self, until: datetime) -> None:
        super().__init__("the mailbox has had enough for now")
        self.until = until


@dataclass(frozen=True, slots=True)
class CoveredSignUp:
    """A sign-up whose link a mail brings, as it stood when the mail was written."""

    sign_up_id: int
    appeal_id: int
    link_key: bytes
    content_digest: bytes
    signed_at: datetime


@dataclass(frozen=True, slots=True)
class FormReply:
    """What a mail to a sign-up's mailbox says: which message, about which appeals besides, and what it covers."""

    kind: str
    recipient: str
    sign_up: SignUp
    signature: Signature | None
    covered: tuple[CoveredSignUp, ...]
    # Whether somebody else than who has signed from that address asks to.
    is_other: bool = False
    # Where the sign-up's section wants answers, if anywhere.
    reply_to: str | None = None


class FormReplies:
    """What composing the answers to some forms needs to know, read at once, with their mailboxes locked."""

    def __init__(
        self,
        session: Session,
        sign_ups: Iterable[int],
        others: Iterable[Address],
        vault: Vault,
        addressees: RefusedRecipients,
        now: datetime,
    ) -> None:
        """`sign_ups` are the forms' numbers, `others` where other limited mails go. `now` is the database's."""
        self._session, self._vault, self._addressees, self._now = session, vault, addressees, now
        ids = sorted(set(sign_ups))
        self._found = self._read(ids)
        self._addresses = {one: address for one in ids if (address := self._open(one)) is not None}
        # This waits while another worker judges mails of the same mailboxes: what was read before is only good for
        # knowing which these are. What is under way is read before the sign-ups: what leaves in between stands there.
        self._limits = MailboxLimits(session, [*self._addresses.values(), *others], vault, now)
        self._under_way = set(session.scalars(_UNDER_WAY, {"sign_ups": ids})) if ids else set()
        self._found = self._read(ids)
        self._signatures = self._signed()
        self._suppressed = suppression_reasons(
            session, [vault.suppression_digest(one) for one in self._addresses.values()]
        )

    def own(self, sign_up_id: int) -> tuple[CoveredSignUp, ...]:
        """Return the sign-up as it stands; nothing where it is confirmed or gone."""
        row = self._found[sign_up_id][0] if sign_up_id in self._found else None
        if row is None or row.email_sealed is None:
            return ()
        return (CoveredSignUp(row.id, row.appeal_id, row.link_key, row.content_digest, row.signed_at),)

    def answer(self, mail: Mail, sign_up_id: int) -> FormReply:
        """Decide about a mail that answers the sign-up. Raises UnwantedError, PostponedError, CipherError."""
        found = self._found.get(sign_up_id)
        if found is None or found[0].email_sealed is None:
            raise IneligibleError("it is confirmed, or erased")
        sign_up, appeal, reply_to = found
        address, signature = self._addresses.get(sign_up.id), self._signatures.get(sign_up.id)
        if address is None:
            raise CipherError("the address cannot be opened")
        self.refuse_addressee(address)
        digest = self._vault.address_digest(sign_up.appeal_id, address)
        if sign_up.address_digest != self._vault.waiting_digest(digest):
            raise IneligibleError("a newer form of the same address waits")
        kind = self._kind(mail, appeal, signature, address)
        is_asked = mail.kind == MailKind.NEW_LINK
        if mail.kind == MailKind.CONFIRMATION:
            self._refuse_answered(mail, sign_up)
            if self._limits.is_known(address):
                self._refuse_same(mail, sign_up, digest)
        room = self.room(address, mail, is_asked=is_asked)
        gathers = is_asked or room == 1 or mail.due_at > mail.created_at
        self._under_way.add(sign_up.id)
        others = waiting_under(address, self._vault) if gathers and kind != MailKind.ALREADY_SIGNED else ()
        rest = tuple(
            CoveredSignUp(one.id, one.appeal_id, one.link_key, one.content_digest, one.signed_at)
            for one in others
            if one.id != sign_up.id
        )
        own = CoveredSignUp(sign_up.id, sign_up.appeal_id, sign_up.link_key, sign_up.content_digest, sign_up.signed_at)
        is_other = kind == MailKind.ALREADY_SIGNED and self._is_other(sign_up, signature)
        return FormReply(kind, str(address), sign_up, signature, (own, *rest), is_other, reply_to)

    def refuse_addressee(self, address: Address) -> None:
        """Raise UnwantedError where nobody must have us write there by typing the address."""
        if self._addressees.include(address):
            raise IneligibleError(f"flagged: {FLAG}")

    def room(self, address: Address, mail: Mail, *, is_asked: bool) -> int:
        """Take one of the mails that the mailbox may get and return how many were left. Raises as `answer`."""
        room = self._limits.room(address, owed_at=mail.created_at, is_asked=is_asked)
        if room.left <= 0:
            if mail.kind != MailKind.CONFIRMATION:
                raise IneligibleError("the mailbox has had enough for today")
            raise PostponedError(room.until)
        self._limits.take(address, mail.id, is_asked=is_asked)
        return room.left

    def _kind(self, mail: Mail, appeal: Appeal, signature: Signature | None, address: Address) -> str:
        reason = self._suppressed.get(self._vault.suppression_digest(address))
        if reason is not None:
            raise IneligibleError(f"this address is suppressed: {reason}")
        state = signature.state if signature is not None else None
        if state == SignatureState.INVALIDATED:
            raise IneligibleError("the signature is invalidated")
        if appeal.state == AppealState.STOPPED:
            raise IneligibleError("the appeal was stopped")
        if mail.kind == MailKind.CONFIRMATION_REMINDER:
            if state == SignatureState.CONFIRMED:
                raise IneligibleError("the signature is confirmed")
            if appeal.state != AppealState.OPEN:
                raise IneligibleError(f"the appeal is {appeal.state}")
            return MailKind.CONFIRMATION_REMINDER.value
        already = MailKind.ALREADY_SIGNED if state == SignatureState.CONFIRMED else MailKind.CONFIRMATION
        return already.value

    def _refuse_answered(self, mail: Mail, sign_up: SignUp) -> None:
        """The same form again within minutes owes nothing new."""
        if sign_up.id in self._under_way:
            raise PostponedError(self._now + _MOMENT)
        if sign_up.mailed_at is not None and mail.created_at < sign_up.mailed_at + JUST_MAILED:
            raise AnsweredError("another mail has brought its link")

    def _refuse_same(self, mail: Mail, sign_up: SignUp, digest: bytes) -> None:
        """As above, of forms whose place this one has taken; asked only where the mailbox was lately written to."""
        earlier = select(SignUp).where(
            SignUp.appeal_id == sign_up.appeal_id,
            SignUp.address_digest.in_(self._vault.superseded_digests(digest)),
            SignUp.name_sealed.is_not(None),
            SignUp.flag.is_(None),
        )
        said = said_by(sign_up, self._vault)
        same = [one for one in self._session.scalars(earlier) if said_by(one, self._vault) == said]
        if same and self._session.scalars(_UNDER_WAY, {"sign_ups": [one.id for one in same]}).first() is not None:
            raise PostponedError(self._now + _MOMENT)
        if any(one.mailed_at is not None and mail.created_at < one.mailed_at + JUST_MAILED for one in same):
            raise AnsweredError("another mail has brought its link")

    def _is_other(self, sign_up: SignUp, signature: Signature | None) -> bool:
        if sign_up.name_sealed is None or signature is None or signature.name_sealed is None:
            return False
        names = (
            self._vault.open_name(sign_up.name_sealed, place_of(sign_up)),
            self._vault.open_name(signature.name_sealed, place_of(signature)),
        )
        return name_key(names[0]) != name_key(names[1])

    def _read(self, ids: list[int]) -> dict[int, tuple[SignUp, Appeal, str | None]]:
        rows = self._session.execute(_FOUND, {"sign_ups": ids}).all() if ids else ()
        return {row[0].id: (row[0], row[1], row[2]) for row in rows}

    def _open(self, sign_up_id: int) -> Address | None:
        row = self._found[sign_up_id][0] if sign_up_id in self._found else None
        if row is None or row.email_sealed is None:
            return None
        try:
            return parse_address(self._vault.open_email(row.email_sealed, place_of(row)))
        except CipherError:
            return None

    def _signed(self) -> dict[int, Signature]:
        """The signatures that the addresses have on the same appeals, by sign-up."""
        digests = {
            self._vault.address_digest(self._found[one][0].appeal_id, address): one
            for one, address in self._addresses.items()
        }
        if not digests:
            return {}
        rows = self._session.scalars(select(Signature).where(Signature.address_digest.in_(list(digests))))
        return {digests[bytes(row.address_digest or b"")]: row for row in rows}


def note_mailed(session: Session, covered: Iterable[CoveredSignUp], owed_at: datetime) -> None:
    """Note that a mail with the link of those sign-ups has left; other mails that were to bring it are not needed.

    It is noted likewise where nobody needed the mail: what waits says nothing of what the mailbox has done.
    """
    # In the order of the rows: two workers that note what they share do not wait for each other.
    for one in sorted(covered, key=lambda one: one.sign_up_id):
        session.connection().execute(_MAILED, {"covered": one.sign_up_id, "shown": one.content_digest})
        owed_by = max(one.signed_at, owed_at)
        session.connection().execute(_HURRIED, {"covered": [one.sign_up_id], "owed_by": owed_by})
