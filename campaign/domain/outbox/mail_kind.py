"""The registry of mail kinds with all their rules.

Composing, eligibility, previews and the staff pages use it. To add a kind, see docs/developing/add-a-mail-message.md.
The templates have its name: templates/mail/<kind>.txt and .html.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from campaign.domain.translatable import N_


class MailAudience(StrEnum):
    """The readers of a kind of mail.

    `answers`: the person who signed or requested it. `campaign`: all signers who asked for news of the case. `staff`:
    people with an account.
    """

    ANSWERS = "answers"
    CAMPAIGN = "campaign"
    STAFF = "staff"


@dataclass(frozen=True, slots=True)
class MailRules:
    """The rules of one kind of mail.

    `name` is its name on staff pages. `subject` may contain %(headline)s, %(site)s and, for staff, %(what)s. It is None
    where the announcement or the content has the subject.
    """

    name: str
    subject: str | None
    audience: MailAudience = MailAudience.ANSWERS
    # Anyone can cause it by typing an address, so the daily limit of the mailbox applies.
    is_limited: bool = False
    # Recipient and content are encrypted in the row, not read from a signature. The same holds for all mail to staff.
    is_addressed: bool = False
    # The row looks the same whatever the address has signed, and whether or not it was sent, because anyone can cause
    # it.
    hides_outcome: bool = False
    # The mail program can unsubscribe with one click (RFC 8058). The same holds for all campaign mail.
    is_unsubscribable: bool = False
    # It has content for one signer, encrypted in the row, so its rendering is not shared.
    is_personal: bool = False
    # It is sent for a signature in any state; otherwise only for a confirmed one.
    is_for_any_state: bool = False
    # It is sent only while the appeal is open.
    needs_open: bool = False
    # It is also sent after the appeal was stopped.
    is_sent_after_stop: bool = False


class MailKind(StrEnum):
    """A kind of mail, with its stored value. Staff pages list the kinds in this order."""

    CONFIRMATION = "confirmation"
    ALREADY_SIGNED = "already_signed"
    CONFIRMED = "confirmed"
    CONFIRMATION_REMINDER = "confirmation_reminder"
    NEW_LINK = "new_link"
    DEADLINE_REMINDER = "deadline_reminder"
    UPDATE = "update"
    OUTCOME = "outcome"
    OWN_LETTER = "own_letter"
    ADDRESS = "address"
    STAFF_INVITATION = "staff_invitation"
    STAFF_ALERT = "staff_alert"
    STAFF_SECURITY = "staff_security"
    STAFF_DIGEST = "staff_digest"

    @property
    def rules(self) -> MailRules:
        """Return the kind's entry in the registry."""
        return MESSAGES[self]


MESSAGES = {
    MailKind.CONFIRMATION: MailRules(
        N_("Please confirm, with the letter"), N_("Please confirm your signature: %(headline)s"), is_limited=True
    ),
    MailKind.ALREADY_SIGNED: MailRules(
        N_("Signed already"), N_("You have already signed: %(headline)s"), is_limited=True
    ),
    MailKind.CONFIRMED: MailRules(N_("Thanks, and how to send the letter"), N_("Thank you for signing: %(headline)s")),
    MailKind.CONFIRMATION_REMINDER: MailRules(
        N_("Reminder to confirm"), N_("Your signature is still missing: %(headline)s"), is_limited=True
    ),
    MailKind.NEW_LINK: MailRules(
        N_("A new link"),
        N_("Your link, as you asked for"),
        is_limited=True,
        hides_outcome=True,
        is_for_any_state=True,
        is_sent_after_stop=True,
    ),
    MailKind.DEADLINE_REMINDER: MailRules(N_("The deadline is near"), None, MailAudience.CAMPAIGN, needs_open=True),
    MailKind.UPDATE: MailRules(N_("News of the case"), None, MailAudience.CAMPAIGN, is_sent_after_stop=True),
    MailKind.OUTCOME: MailRules(N_("How the case ended"), None, MailAudience.CAMPAIGN, is_sent_after_stop=True),
    MailKind.OWN_LETTER: MailRules(
        N_("The letter in one’s own words"), N_("Your letter: %(headline)s"), is_personal=True
    ),
    MailKind.ADDRESS: MailRules(N_("Another address"), None, is_addressed=True, hides_outcome=True),
    MailKind.STAFF_INVITATION: MailRules(
        N_("To staff: invitation"), N_("You are invited to %(site)s"), MailAudience.STAFF
    ),
    MailKind.STAFF_ALERT: MailRules(N_("To staff: alert"), N_("%(site)s needs you: %(what)s"), MailAudience.STAFF),
    MailKind.STAFF_SECURITY: MailRules(N_("To staff: about the account"), None, MailAudience.STAFF),
    MailKind.STAFF_DIGEST: MailRules(
        N_("To staff: the week in figures"), N_("Your appeals this week"), MailAudience.STAFF, is_unsubscribable=True
    ),
}
CAMPAIGN_KINDS = frozenset(kind for kind in MailKind if kind.rules.audience is MailAudience.CAMPAIGN)
STAFF_KINDS = frozenset(kind for kind in MailKind if kind.rules.audience is MailAudience.STAFF)
ADDRESSED_KINDS = STAFF_KINDS | {kind for kind in MailKind if kind.rules.is_addressed}
UNSUBSCRIBABLE_KINDS = CAMPAIGN_KINDS | {kind for kind in MailKind if kind.rules.is_unsubscribable}
LIMITED_KINDS = frozenset(kind for kind in MailKind if kind.rules.is_limited)
# Mails that answer a form or a request for links. They go to a mailbox that may not have confirmed anything.
ANSWER_KINDS = LIMITED_KINDS
HIDDEN_OUTCOME_KINDS = frozenset(kind for kind in MailKind if kind.rules.hides_outcome)
PERSONAL_KINDS = frozenset(kind for kind in MailKind if kind.rules.is_personal)
