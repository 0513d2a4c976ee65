"""The decisions about the mail that answers a form: whether it leaves now, its kind, and which other forms it covers.

They are made when the mail leaves, not when the form is sent: the sender of the form must not learn what the mailbox
has done before.
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
from campaign.domain.outbox.mail_state import REPEAT_WINDOW
from campaign.domain.privacy.cipher import Vault
from campaign.domain.signing.address import Address, parse_address
from campaign.domain.signing.name import name_key
from campaign.domain.signing.signature import SignatureState
from campaign.models import Appeal, Mail, Section, Signature, SignUp
from campaign.models.privacy.sealed_columns import place_of
from campaign.queries.signing.sign_up import WaitingSignUpView, form_contents, waiting_sign_ups
from campaign.services.outbox.mailbox_limit import MailboxLimits
from campaign.services.outbox.suppression import suppression_reasons
from campaign.services.outbox.target_mailboxes import TARGET_FLAG, TargetMailboxes

_FIND_FORMS = (
    select(SignUp, Appeal, Section.reply_to)
    .join(Appeal, Appeal.id == SignUp.appeal_id)
    .join(Section, Section.code == SignUp.section_code)
    .where(SignUp.id.in_(bindparam("sign_ups", expanding=True)))
    .execution_options(populate_existing=True)
)
_BEING_SENT = select(Mail.sign_up_id).where(
    Mail.sign_up_id.in_(bindparam("sign_ups", expanding=True)), text("mail.state = 'sending'")
)
# Stores the time of the form itself. The time of the mail would show which other forms the mail covered.
_NOTE_MAILED = (
    update(SignUp)
    .where(SignUp.id == bindparam("covered"), SignUp.content_digest == bindparam("shown"))
    .values(mailed_at=case((SignUp.mailed_at > SignUp.signed_at, SignUp.mailed_at), else_=SignUp.signed_at))
)
# Other mails with the same link are no longer needed. A mail that is not needed ends when it is due: make it due now.
_MAKE_DUE = (
    update(Mail)
    .where(
        Mail.sign_up_id.in_(bindparam("covered", expanding=True)),
        text("mail.state IN ('queued', 'retry') AND mail.kind = 'confirmation'"),
        Mail.created_at <= bindparam("created_until"),
        Mail.due_at > Mail.created_at,
    )
    .values(due_at=Mail.created_at)
    .execution_options(synchronize_session=False)
)
# The delay while a mail with the same link is being sent.
_RETRY_AFTER = timedelta(minutes=1)


class IneligibleError(StateError):
    """A mail that must not be sent after all. The message gives the reason."""

    @property
    def is_public(self) -> bool:
        """Return whether the reason may be public: it does not tell what an address has done."""
        return str(self).startswith("flagged")


class AnsweredError(IneligibleError):
    """A mail that is not needed, because another mail has brought its links."""


class PostponedError(StateError):
    """A mail that must wait: its mailbox has reached the limit, or another mail with the same link is being sent."""

    def __init__(self, until: datetime) -> None:
        super().__init__("the mailbox has had enough for now")
        self.until = until


@dataclass(frozen=True, slots=True)
class CoveredSignUp:
    """A sign-up to which a mail has a link, in its state when the mail was composed."""

    sign_up_id: int
    appeal_id: int
    link_key: bytes
    content_digest: bytes
    signed_at: datetime


@dataclass(frozen=True, slots=True)
class FormReply:
    """The contents of a mail that answers `sign_up`: its kind, and the sign-ups to which it has links (`sign_ups`)."""

    kind: str
    recipient: str
    sign_up: SignUp
    signature: Signature | None
    sign_ups: tuple[CoveredSignUp, ...]
    # Whether the names in the form and in the signature of the same address differ.
    has_other_name: bool = False
    # The address where the sign-up's section receives answers, if it has one.
    reply_to: str | None = None


class FormReplies:
    """The data for answering some forms, read together, with their mailboxes locked."""

    def __init__(
        self,
        session: Session,
        sign_ups: Iterable[int],
        other_recipients: Iterable[Address],
        vault: Vault,
        target_mailboxes: TargetMailboxes,
        now: datetime,
    ) -> None:
        """Read the forms with the ids `sign_ups`, and lock their mailboxes and those of `other_recipients`.

        `other_recipients` are the recipients of other limited mails. `now` is the database's time.
        """
        self._session, self._vault, self._target_mailboxes, self._now = session, vault, target_mailboxes, now
        ids = sorted(set(sign_ups))
        self._forms = self._read_forms(ids)
        self._addresses = {
            sign_up_id: address for sign_up_id in ids if (address := self._decrypt_address(sign_up_id)) is not None
        }
        # MailboxLimits waits while another worker decides about mails to the same mailboxes. The forms read above only
        # show which mailboxes to lock, so they are read again afterwards. The mails that are being sent are read before
        # the forms: if one is sent between the two queries, `mailed_at` of its form shows it.
        self._limits = MailboxLimits(session, [*self._addresses.values(), *other_recipients], vault, now)
        self._sign_ups_being_sent = set(session.scalars(_BEING_SENT, {"sign_ups": ids})) if ids else set()
        self._forms = self._read_forms(ids)
        self._signatures = self._find_signatures()
        self._suppressed = suppression_reasons(
            session, [vault.suppression_digest(address) for address in self._addresses.values()]
        )

    def own_sign_up(self, sign_up_id: int) -> tuple[CoveredSignUp, ...]:
        """Return the sign-up in its current state as a tuple, which is empty where it was confirmed or deleted."""
        row = self._forms[sign_up_id][0] if sign_up_id in self._forms else None
        if row is None or row.email_sealed is None:
            return ()
        return (_covered(row),)

    def answer(self, mail: Mail, sign_up_id: int) -> FormReply:
        """Return the contents of a mail that answers the sign-up, and count the mail against the mailbox's limit.

        Raises IneligibleError, PostponedError, CipherError.
        """
        form = self._forms.get(sign_up_id)
        if form is None or form[0].email_sealed is None:
            raise IneligibleError("it is confirmed, or erased")
        sign_up, appeal, reply_to = form
        address, signature = self._addresses.get(sign_up.id), self._signatures.get(sign_up.id)
        if address is None:
            raise CipherError("the address cannot be opened")
        self.check_recipient(address)
        digest = self._vault.address_digest(sign_up.appeal_id, address)
        if sign_up.address_digest != self._vault.waiting_digest(digest):
            raise IneligibleError("a newer form of the same address waits")
        kind = self._reply_kind(mail, appeal, signature, address)
        is_requested = mail.kind == MailKind.NEW_LINK
        if mail.kind == MailKind.CONFIRMATION:
            self._check_unanswered(mail, sign_up)
            if self._limits.was_mailed_lately(address):
                self._check_no_equal_form(mail, sign_up, digest)
        remaining = self.count_mail(address, mail, is_requested=is_requested)
        covers_others = is_requested or remaining == 1 or mail.due_at > mail.created_at
        self._sign_ups_being_sent.add(sign_up.id)
        waiting = waiting_sign_ups(address, self._vault) if covers_others and kind != MailKind.ALREADY_SIGNED else ()
        others = (_covered(other) for other in waiting if other.id != sign_up.id)
        has_other_name = kind == MailKind.ALREADY_SIGNED and self._has_other_name(sign_up, signature)
        return FormReply(kind, str(address), sign_up, signature, (_covered(sign_up), *others), has_other_name, reply_to)

    def check_recipient(self, address: Address) -> None:
        """Raise IneligibleError where the address is the mailbox of a target."""
        if self._target_mailboxes.contains(address):
            raise IneligibleError(f"flagged: {TARGET_FLAG}")

    def count_mail(self, address: Address, mail: Mail, *, is_requested: bool) -> int:
        """Count the mail against the mailbox's limit; return how many mails the limit allowed before this one.

        Raises PostponedError where it allowed no confirmation, IneligibleError where it allowed no other mail.
        """
        allowance = self._limits.allowance(address, created_at=mail.created_at, is_requested=is_requested)
        if allowance.remaining <= 0:
            if mail.kind != MailKind.CONFIRMATION:
                raise IneligibleError("the mailbox has had enough for today")
            raise PostponedError(allowance.until)
        self._limits.record_mail(address, mail.id, is_requested=is_requested)
        return allowance.remaining

    def _reply_kind(self, mail: Mail, appeal: Appeal, signature: Signature | None, address: Address) -> str:
        """Return the kind of mail to send: a confirmation becomes ALREADY_SIGNED where the address has signed.

        Raises IneligibleError where the address, the signature or the appeal gets no mail any more.
        """
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
        kind = MailKind.ALREADY_SIGNED if state == SignatureState.CONFIRMED else MailKind.CONFIRMATION
        return kind.value

    def _check_unanswered(self, mail: Mail, sign_up: SignUp) -> None:
        """Raise an error where another mail has the form's link, so that repeated forms get one mail.

        Raises PostponedError while that mail is being sent, AnsweredError if it has left within REPEAT_WINDOW.
        """
        if sign_up.id in self._sign_ups_being_sent:
            raise PostponedError(self._now + _RETRY_AFTER)
        if sign_up.mailed_at is not None and mail.created_at < sign_up.mailed_at + REPEAT_WINDOW:
            raise AnsweredError("another mail has brought its link")

    def _check_no_equal_form(self, mail: Mail, sign_up: SignUp, digest: bytes) -> None:
        """Raise the errors of `_check_unanswered` where another mail has the link of an equal, superseded form.

        It is called only for mailboxes that were sent a mail within a day, which saves most queries.
        """
        earlier = select(SignUp).where(
            SignUp.appeal_id == sign_up.appeal_id,
            SignUp.address_digest.in_(self._vault.superseded_digests(digest)),
            SignUp.name_sealed.is_not(None),
            SignUp.flag.is_(None),
        )
        contents = form_contents(sign_up, self._vault)
        equal_forms = [form for form in self._session.scalars(earlier) if form_contents(form, self._vault) == contents]
        ids = [form.id for form in equal_forms]
        if ids and self._session.scalars(_BEING_SENT, {"sign_ups": ids}).first() is not None:
            raise PostponedError(self._now + _RETRY_AFTER)
        if any(form.mailed_at is not None and mail.created_at < form.mailed_at + REPEAT_WINDOW for form in equal_forms):
            raise AnsweredError("another mail has brought its link")

    def _has_other_name(self, sign_up: SignUp, signature: Signature | None) -> bool:
        """Return whether form and signature both have a name, and the names differ (`name_key`)."""
        if sign_up.name_sealed is None or signature is None or signature.name_sealed is None:
            return False
        names = (
            self._vault.open_name(sign_up.name_sealed, place_of(sign_up)),
            self._vault.open_name(signature.name_sealed, place_of(signature)),
        )
        return name_key(names[0]) != name_key(names[1])

    def _read_forms(self, ids: list[int]) -> dict[int, tuple[SignUp, Appeal, str | None]]:
        rows = self._session.execute(_FIND_FORMS, {"sign_ups": ids}).all() if ids else ()
        return {row[0].id: (row[0], row[1], row[2]) for row in rows}

    def _decrypt_address(self, sign_up_id: int) -> Address | None:
        """Return the form's address; None where the form was confirmed or erased, or cannot be decrypted."""
        row = self._forms[sign_up_id][0] if sign_up_id in self._forms else None
        if row is None or row.email_sealed is None:
            return None
        try:
            return parse_address(self._vault.open_email(row.email_sealed, place_of(row)))
        except CipherError:
            return None

    def _find_signatures(self) -> dict[int, Signature]:
        """Return the signatures of the same addresses on the same appeals, by sign-up id."""
        digests = {
            self._vault.address_digest(self._forms[sign_up_id][0].appeal_id, address): sign_up_id
            for sign_up_id, address in self._addresses.items()
        }
        if not digests:
            return {}
        rows = self._session.scalars(select(Signature).where(Signature.address_digest.in_(list(digests))))
        return {digests[bytes(row.address_digest or b"")]: row for row in rows}


def _covered(form: SignUp | WaitingSignUpView) -> CoveredSignUp:
    return CoveredSignUp(form.id, form.appeal_id, form.link_key, form.content_digest, form.signed_at)


def note_mailed(session: Session, sign_ups: Iterable[CoveredSignUp], created_at: datetime) -> None:
    """Store that a mail with the links of those sign-ups has left, and end other mails with the same links.

    Call it also where the mail was not needed: then the rows of waiting forms do not tell what the mailbox has done.
    """
    # In the order of the ids: two workers that note the same sign-ups do not deadlock.
    for sign_up in sorted(sign_ups, key=lambda sign_up: sign_up.sign_up_id):
        session.connection().execute(_NOTE_MAILED, {"covered": sign_up.sign_up_id, "shown": sign_up.content_digest})
        created_until = max(sign_up.signed_at, created_at)
        session.connection().execute(_MAKE_DUE, {"covered": [sign_up.sign_up_id], "created_until": created_until})
