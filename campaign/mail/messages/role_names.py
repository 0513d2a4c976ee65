"""Names of the staff's roles, in mails and on pages."""

from __future__ import annotations

from flask_babel import force_locale, lazy_gettext

from campaign.domain.staff.roles import Role

ROLE_NAMES = {
    Role.VIEWER: lazy_gettext("Viewer"),
    Role.EDITOR: lazy_gettext("Editor"),
    Role.COORDINATOR: lazy_gettext("Coordinator"),
    Role.ADMIN: lazy_gettext("Administrator"),
}


def role_name(role: Role, locale: str) -> str:
    """Return the role's name in that language."""
    with force_locale(locale):
        return str(ROLE_NAMES[role])
