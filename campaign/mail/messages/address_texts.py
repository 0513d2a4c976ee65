"""Texts of mails about a change of address, in the signer's language. They contain nothing that a person typed."""

from __future__ import annotations

from flask_babel import force_locale, gettext

from campaign.mail.messages.staff_texts import StaffText


def confirm_address(locale: str, site: str) -> StaffText:
    """Return the mail to the new address, with the link that changes it."""
    with force_locale(locale):
        subject = gettext("Confirm your new address for %(site)s", site=site)
        text = gettext(
            "Someone asked us to use this address for what they have signed with us. If it was you, open this link "
            "within seven days and press the button. If it was not you, ignore this mail: nothing changes."
        )
    return StaffText(subject, text)


def address_changed(locale: str, site: str) -> StaffText:
    """Return the mail that tells the old address of the change."""
    with force_locale(locale):
        subject = gettext("Your address for %(site)s was changed", site=site)
        text = gettext(
            "What you have signed with us is now under another address, as you asked. Links that we mailed to this "
            "address before no longer work. If you did not ask for it, write to your national section at once."
        )
    return StaffText(subject, text)
