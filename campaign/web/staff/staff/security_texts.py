"""The application's texts for Flask-Security's messages, which are translated when they are shown."""

from __future__ import annotations


def _(text: str) -> str:
    """Mark a text for the catalogues."""
    return text


LINK_MAILED = _(
    "If there is an account under this address, a mail is on its way to it. Whatever link was mailed to it within the "
    "last hour works, too."
)
MESSAGES = {
    "API_ERROR": (_("That did not work. Please start again."), "error"),
    "GENERIC_AUTHN_FAILED": (_("This address and this password do not belong together."), "error"),
    "GENERIC_RECOVERY": (LINK_MAILED, "info"),
    "UNAUTHENTICATED": (_("Please log in."), "info"),
    "UNAUTHORIZED": (_("Your role does not allow that."), "error"),
    "REAUTHENTICATION_REQUIRED": (_("Please prove again that it is you."), "info"),
    "REAUTHENTICATION_SUCCESSFUL": (_("Thank you. Please go on."), "info"),
    "ANONYMOUS_USER_REQUIRED": (_("You are logged in already."), "info"),
    "INVALID_REDIRECT": (_("That address leads elsewhere."), "error"),
    "DISABLED_ACCOUNT": (_("This account has been ended."), "error"),
    "EMAIL_NOT_PROVIDED": (_("Please write your e-mail address."), "error"),
    "INVALID_EMAIL_ADDRESS": (
        _("This does not look like an e-mail address. It needs an @ and a domain."),
        "error",
    ),
    "USER_DOES_NOT_EXIST": (_("This address and this password do not belong together."), "error"),
    "PASSWORD_NOT_PROVIDED": (_("Please type the password."), "error"),
    "INVALID_PASSWORD": (_("This is not the password."), "error"),
    "PASSWORD_INVALID_LENGTH": (_("A password needs at least %(length)s characters."), "error"),
    "RETYPE_PASSWORD_MISMATCH": (_("The two passwords differ."), "error"),
    "PASSWORD_MISMATCH": (_("The two passwords differ."), "error"),
    "PASSWORD_IS_THE_SAME": (_("The new password must be another one."), "error"),
    "PASSWORD_CHANGE": (_("Your password was changed. Your other log-ins have ended."), "success"),
    "PASSWORD_RESET_REQUEST": (LINK_MAILED, "info"),
    "PASSWORD_RESET_EXPIRED": (_("This link is too old. Please ask for a new one."), "error"),
    "INVALID_RESET_PASSWORD_TOKEN": (_("This link is used up or damaged. Please ask for a new one."), "error"),
    "PASSWORD_RESET_NO_LOGIN": (_("Your password was changed. Please log in with it."), "success"),
    "FORGOT_PASSWORD": (_("Forgotten your password?"), "info"),
    "INVALID_CODE": (_("This is not the code."), "error"),
    "TWO_FACTOR_INVALID_TOKEN": (
        _("This is not the code, or it was used already. Please wait for the next one."),
        "error",
    ),
    "TWO_FACTOR_LOGIN_SUCCESSFUL": (_("Welcome."), "success"),
    "TWO_FACTOR_CHANGE_METHOD_SUCCESSFUL": (_("Your authenticator app is set up."), "success"),
    "TWO_FACTOR_PERMISSION_DENIED": (_("Please log in."), "error"),
    "TWO_FACTOR_METHOD_NOT_AVAILABLE": (_("Please choose one of these."), "error"),
    "TWO_FACTOR_DISABLED": (_("Your account has no second factor any more."), "success"),
    "TWO_FACTOR_SETUP_EXPIRED": (_("That took too long. Please start again."), "error"),
    "INVALID_RECOVERY_CODE": (_("This is none of your recovery codes, or it was used already."), "error"),
    "NO_RECOVERY_CODES_SETUP": (_("There are no recovery codes yet."), "info"),
    "WEBAUTHN_EXPIRED": (_("That took too long. Please start again."), "error"),
    "WEBAUTHN_NAME_REQUIRED": (_("Please give the passkey a name."), "error"),
    "WEBAUTHN_NAME_INUSE": (_("You have a passkey of this name already."), "error"),
    "WEBAUTHN_NAME_NOT_FOUND": (_("You have no passkey of this name."), "error"),
    "WEBAUTHN_NAME_DISALLOWED_CHARACTERS": (_("Please use letters, numbers, spaces and hyphens only."), "error"),
    "WEBAUTHN_CREDENTIAL_DELETED": (_("The passkey %(name)s was removed."), "info"),
    "WEBAUTHN_REGISTER_SUCCESSFUL": (_("The passkey %(name)s was added."), "success"),
    "WEBAUTHN_CREDENTIAL_ID_INUSE": (_("This passkey is registered already."), "error"),
    "WEBAUTHN_UNKNOWN_CREDENTIAL_ID": (_("This passkey is not known here."), "error"),
    "WEBAUTHN_ORPHAN_CREDENTIAL_ID": (_("This passkey is not known here."), "error"),
    "WEBAUTHN_CREDENTIAL_WRONG_USAGE": (_("This passkey is not known here."), "error"),
    "WEBAUTHN_MISMATCH_USER_HANDLE": (_("This passkey is not known here."), "error"),
    "WEBAUTHN_NO_VERIFY": (_("The passkey could not be checked. Please try again."), "error"),
}
TOO_MANY_ATTEMPTS = _(
    "Too many attempts. Please wait a quarter of an hour; in a hurry, use “Forgotten your password?”: "
    "the mailed link works at once."
)
TOO_MANY_LINKS = _("From your network too many links were asked for. Please wait a quarter of an hour.")
# Flask-Security's names of the second factors, marked for translation.
METHODS = (_("authenticator"), _("passkey"))
