"""The enqueuing of mails: the outbox row is written in the same transaction as the change that causes the mail."""

from __future__ import annotations

import hmac
import json
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, insert, select
from sqlalchemy.orm import Session

from campaign.domain.errors import CipherError
from campaign.domain.outbox.mail_kind import CAMPAIGN_KINDS, MailKind
from campaign.domain.outbox.mail_state import MailState
from campaign.domain.privacy import retention
from campaign.domain.privacy.cipher import Vault
from campaign.domain.privacy.sealed_place import at_mail
from campaign.domain.signing.address import Address, parse_address
from campaign.models import Mail, Signature, SignUp
from campaign.models.privacy.sealed_columns import place_of
from campaign.platform.context import Context
from campaign.platform.database.combined_statement import Write
from campaign.queries.signing.signature import last_consent
from campaign.services.keys.row_key import expiry, new_slots
from campaign.services.outbox.mailed_person import MailedPerson, sealed_person

_INSERT = insert(Mail)
# The key of a mail of `enqueue_to_address` is erased with the mail's content, and at the latest some days after this
# time: a mail that has waited so long is of no use.
_LONGEST_WAIT = 2 * retention.MAILS
# The name of the entry with the signature's link key, in the sealed content of a mail to a signer.
_LINK_KEY_ENTRY = "of"
# The columns of the answer's row that the statement of a sign-up gets from `mail_columns`, without `sign_up_id`: it is
# known only after the row of the sign-up was inserted.
SIGN_UP_MAIL_COLUMNS = (
    *("kind", "state", "message_id", "created_at", "due_at", "locale", "attempts", "ambiguous", "fence", "phase"),
    *("detail", "domain_digest", "text_language", "text_version"),
)


@dataclass(frozen=True, slots=True)
class NewMail:
    """A mail to enqueue, to a signer or to the mailbox of a sign-up (then without `signature_id`).

    `domain_digest` is that of the address's domain. `text_language` and `text_version` name the letter that was signed.
    For an announcement, `text_language` is the language of its text, and there is no version. A mail with an
    `ineligible_reason` is stored, but never sent.
    """

    kind: MailKind
    signature_id: int | None
    domain_digest: bytes
    locale: str
    text_language: str
    text_version: int | None
    announcement_id: int | None = None
    ineligible_reason: str | None = None
    sign_up_id: int | None = None


def mail_write(new_mail: NewMail, *, now: datetime, domain: str) -> Write:
    """Return the write that adds the outbox row. The caller runs and commits it."""
    return _INSERT, mail_columns(new_mail, now=now, domain=domain)


def enqueue_to_signer(
    session: Session,
    kind: MailKind,
    signature: Signature,
    *,
    content: Mapping[str, str] | None = None,
    context: Context,
) -> None:
    """Enqueue a mail to the signature's address about the letter that was signed. Raises CipherError.

    If the address was erased, nothing is enqueued. Further `content` of the message is sealed in the row with the key
    of the signature's row, so that erasing the key erases it. It is cleared once the mail has ended. It is sealed for
    the mail's Message-ID, and with the signature's link key: content that was moved to another mail, or to another
    signature's mail together with the Message-ID, is refused (`content_of_mail`).
    """
    if signature.email_sealed is None:
        return
    vault = context.vault
    recipient = parse_address(vault.open_email(signature.email_sealed, place_of(signature)))
    consent = last_consent(session, signature)
    new_mail = NewMail(
        kind=kind,
        signature_id=signature.id,
        domain_digest=vault.domain_digest(recipient),
        locale=signature.locale,
        text_language=consent.text_language,
        text_version=consent.text_version,
    )
    row = mail_columns(new_mail, now=context.now, domain=context.mail_domain)
    sealed = None if content is None else _sealed_content(content, signature, row["message_id"], vault)
    session.connection().execute(_INSERT, {**row, "context_sealed": sealed})


def _sealed_content(content: Mapping[str, str], signature: Signature, message_id: str, vault: Vault) -> bytes:
    """Return the content and the signature's link key, sealed with the key of the signature's row."""
    entries = {**content, _LINK_KEY_ENTRY: _link_key_text(signature)}
    return vault.seal_context(json.dumps(entries), at_mail(message_id), vault.slot(signature.email_sealed))


def _link_key_text(signature: Signature) -> str:
    return (signature.link_key or b"").hex()


def content_of_mail(mail: Mail, signature: Signature, vault: Vault) -> dict[str, str]:
    """Return the further content of a mail to a signer; empty where it has none.

    Raises CipherError where the content was changed, or belongs to another mail or signature.
    """
    # The sealed context of NEW_LINK has no content: it names the person (`mailed_person`).
    if mail.context_sealed is None or mail.kind == MailKind.NEW_LINK:
        return {}
    content: dict[str, str] = json.loads(vault.open_context(mail.context_sealed, place_of(mail)))
    if not hmac.compare_digest(content.pop(_LINK_KEY_ENTRY, ""), _link_key_text(signature)):
        raise CipherError("the content of a mail was moved to another signature's mail")
    return content


def lock_contents(session: Session, signature: Signature, vault: Vault) -> dict[Mail, dict[str, str]]:
    """Return the signature's mails with sealed content, locked, and the content of each. Raises CipherError.

    Call it before the signature's link key or address changes, and `rebind_contents` afterwards.
    """
    sealed = select(Mail).where(Mail.signature_id == signature.id, Mail.context_sealed.is_not(None)).with_for_update()
    return {mail: content_of_mail(mail, signature, vault) for mail in session.scalars(sealed)}


def rebind_contents(contents: Mapping[Mail, Mapping[str, str]], signature: Signature, vault: Vault) -> None:
    """Seal the contents of the mails again, with the signature's current link key."""
    for mail, content in contents.items():
        mail.context_sealed = _sealed_content(content, signature, mail.message_id or "", vault)


def enqueue_to_sign_up(session: Session, kind: MailKind, sign_up: SignUp, *, context: Context) -> None:
    """Enqueue a mail to the mailbox of a sign-up. Its contents are decided when it is sent. Raises CipherError.

    If the address was erased, nothing is enqueued.
    """
    if sign_up.email_sealed is None:
        return
    vault = context.vault
    new_mail = NewMail(
        kind=kind,
        signature_id=None,
        sign_up_id=sign_up.id,
        domain_digest=vault.domain_digest(parse_address(vault.open_email(sign_up.email_sealed, place_of(sign_up)))),
        locale=sign_up.locale,
        text_language=sign_up.text_language,
        text_version=sign_up.text_version,
    )
    session.connection().execute(_INSERT, mail_columns(new_mail, now=context.now, domain=context.mail_domain))


def enqueue_links(session: Session, address: Address, person: MailedPerson, *, context: Context) -> None:
    """Enqueue a mail with links of `person`, which the address requested.

    The row looks the same whatever is stored for the address: the person is sealed, always in the same length. The
    stored locale is "en" for every address, and there is no letter. The mail is composed in the language and with the
    letter of the form or the signature.
    """
    vault = context.vault
    row = _common_columns(MailKind.NEW_LINK, "en", context.now, context.mail_domain)
    sealed = sealed_person(person, row["message_id"], vault)
    session.connection().execute(
        _INSERT, {**row, "domain_digest": vault.domain_digest(address), "context_sealed": sealed}
    )


def mail_columns(new_mail: NewMail, *, now: datetime, domain: str) -> dict[str, Any]:
    """Return the columns of the outbox row, with a new Message-ID in `domain` (`new_message_id`)."""
    return {
        **_common_columns(new_mail.kind, new_mail.locale, now, domain),
        "phase": None,
        "detail": None,
        "signature_id": new_mail.signature_id,
        "sign_up_id": new_mail.sign_up_id,
        "domain_digest": new_mail.domain_digest,
        "text_language": new_mail.text_language,
        "text_version": new_mail.text_version,
        "announcement_id": new_mail.announcement_id,
        **(ineligible_columns(new_mail.ineligible_reason) if new_mail.ineligible_reason else {}),
    }


def new_message_id(domain: str) -> str:
    """Return a Message-ID that no other mail has. `domain` is this site's mail domain (RFC 5322, 3.6.4)."""
    return f"<{secrets.token_hex(16)}@{domain}>"


def ineligible_columns(reason: str) -> dict[str, Any]:
    """Return the columns that mark a mail as never to be sent, for that reason."""
    return {"state": MailState.SUPPRESSED.value, "phase": "before", "detail": reason}


def enqueue_to_address(
    connection: Connection,
    kind: MailKind,
    recipient: Address,
    content: Mapping[str, str],
    *,
    locale: str,
    announcement_id: int | None = None,
    text_language: str | None = None,
    context: Context,
) -> int:
    """Enqueue a mail to an address that is not read from a signature when the mail is sent. Return the mail's id.

    It is the address of a member of staff, or the new or former address of a signer. The row is written in the
    transaction of `connection`, and the caller commits it. Recipient and content are sealed in the row with a new key
    that no other row uses. Both are cleared, and the key is erased, once the mail is sent or given up.

    `content` is in the reader's language. STAFF_INVITATION has `url`, `section`, `role` and `valid` ("48 hours");
    STAFF_DIGEST `appeals`, `url` and `unsubscribe`; the test of an announcement `name` and `appeal_id`; all other kinds
    `subject`, `text` and `url` (or "").
    """
    vault = context.vault
    columns = _common_columns(kind, locale, context.now, context.mail_domain)
    place = at_mail(columns["message_id"])
    slot = new_slots(connection, vault, expires_on=expiry(context.now, _LONGEST_WAIT))[0]
    inserted = connection.execute(
        _INSERT.returning(Mail.id),
        {
            **columns,
            "domain_digest": vault.domain_digest(recipient),
            "recipient_sealed": vault.seal_email(recipient, place, slot),
            "context_sealed": vault.seal_context(json.dumps(dict(content)), place, slot),
            "announcement_id": announcement_id,
            "text_language": text_language,
        },
    )
    return int(inserted.scalar_one())


def _common_columns(kind: MailKind, locale: str, now: datetime, domain: str) -> dict[str, Any]:
    """Return the columns of every new outbox row."""
    # The mails to a domain are sent in the order of `due_at`. All kinds but those of a campaign are due a day before
    # they are enqueued, so they are sent before the many thousand campaign mails that have waited for less than a day.
    due_at = now if kind in CAMPAIGN_KINDS else now - timedelta(days=1)
    return {
        "kind": kind.value,
        "state": MailState.QUEUED.value,
        "message_id": new_message_id(domain),
        "created_at": now,
        "due_at": due_at,
        "locale": locale,
        "attempts": 0,
        "ambiguous": 0,
        "fence": 0,
    }
