"""Errors of the campaign's own rules; pages and commands translate them."""

from __future__ import annotations

from typing import Any


class TocsinError(Exception):
    """A refusal that the caller can correct. The message is one English line for operators and logs."""


class NotFoundError(TocsinError):
    """The object does not exist, or this person may not see it."""


class InputError(TocsinError):
    """A value is unusable. `field` names it, `code` says why; pages translate the code."""

    def __init__(self, field: str, code: str, message: str) -> None:
        super().__init__(message)
        self.field = field
        self.code = code


class InvalidFieldsError(TocsinError):
    """Several values are unusable: for each field a code that says why; pages translate the codes."""

    def __init__(self, faults: dict[str, str]) -> None:
        super().__init__("; ".join(f"{field}: {code}" for field, code in faults.items()))
        self.faults = faults


class StateError(TocsinError):
    """The appeal or signature is not in a state that allows this."""


class ConflictError(StateError):
    """Someone else has changed the same object in the meantime; `current` has its values now."""

    def __init__(self, current: dict[str, Any]) -> None:
        super().__init__("somebody else has changed this meanwhile")
        self.current = current


class AppealExistsError(StateError):
    """The document's appeal exists already; `slug` names it."""

    def __init__(self, slug: str) -> None:
        super().__init__(f"there is an appeal of this document already: {slug}")
        self.slug = slug


class ImportQuestionError(StateError):
    """It cannot be told whether a document is an update of the appeal or a correction; `reason` says why."""

    def __init__(self, slug: str, reason: str) -> None:
        causes = {
            "older": f"the document is older than the one in {slug}",
            "other-case": f"the document has another reference than {slug}",
        }
        cause = causes.get(reason, f"the document does not say whether it is an update of {slug} or a correction")
        super().__init__(
            f"{cause}: add --as-update (a new appeal) or --as-correction (changes {slug}); nothing changed"
        )
        self.slug = slug
        self.reason = reason


class UnconfirmedChangesError(StateError):
    """An import would change words of an open appeal; `seen` is the fingerprint of the changes."""

    def __init__(self, slug: str, language: str, changes: tuple[Any, ...], seen: str) -> None:
        super().__init__(f"{slug} is open: add --yes to change its text in {language}; nothing changed")
        self.slug = slug
        self.language = language
        self.changes = changes
        self.seen = seen


class FourEyesError(StateError):
    """An author of an appeal may not publish it."""


class SignUpChangedError(StateError):
    """The waiting sign-up differs from what the link or page showed; the page shows it again and asks again."""


class AppealEndedError(StateError):
    """The deadline has passed in the supporter's section, or the appeal was closed or stopped."""


class InvalidatedError(StateError):
    """Staff have taken the signature out of the counts."""


class ChallengeError(TocsinError):
    """A proof of work is wrong, too old, or made for another appeal; or waiting must go on for `wait` seconds."""

    def __init__(self, message: str, wait: int = 0) -> None:
        super().__init__(message)
        self.wait = wait


class ConcurrentSignUpError(TocsinError):
    """Another sign-up of the same address came at the same moment, or drew the same random number: try again."""


class SpentSolutionError(ChallengeError):
    """A proof of work was accepted before."""

    def __init__(self) -> None:
        super().__init__("this proof was taken before")


class ReportLimitError(TocsinError):
    """The appeal takes no more reports without a signature for a while."""


class TokenError(TocsinError):
    """A mailed link is damaged, was made for another purpose, or with another key."""


class ExpiredTokenError(TokenError):
    """A mailed link is genuine but too old. `row_id` is the signature that it was made for."""

    def __init__(self, row_id: int) -> None:
        super().__init__("the link has expired")
        self.row_id = row_id


class UnknownKeyError(TocsinError):
    """A row was to be encrypted with a key that the database does not have, or has no longer."""


class CipherError(TocsinError):
    """Encrypted data cannot be decrypted: its key is not among the data keys, or the data was changed or moved."""


class ErasedKeyError(CipherError):
    """Encrypted data cannot be decrypted any more: the key of its row was erased, together with a person's data."""
