"""What can go wrong for a reason of the campaign itself; pages and commands turn these into words."""

from __future__ import annotations

from typing import Any


class TocsinError(Exception):
    """Any refusal that is the caller's to mend. The message is one English line for operators and logs."""


class NotFoundError(TocsinError):
    """There is no such thing, or not for this person."""


class InputError(TocsinError):
    """A value is unusable. `field` names it, `code` says why; pages translate the code."""

    def __init__(self, field: str, code: str, message: str) -> None:
        super().__init__(message)
        self.field = field
        self.code = code


class InvalidFieldsError(TocsinError):
    """Several values are unusable: by field, the code that says why; pages translate the codes."""

    def __init__(self, faults: dict[str, str]) -> None:
        super().__init__("; ".join(f"{field}: {code}" for field, code in faults.items()))
        self.faults = faults


class StateError(TocsinError):
    """The appeal or signature is not in a state that allows this."""


class ConflictError(StateError):
    """Somebody else has changed the same thing meanwhile; `current` is what it says now."""

    def __init__(self, current: dict[str, Any]) -> None:
        super().__init__("somebody else has changed this meanwhile")
        self.current = current


class AppealExistsError(StateError):
    """The document's appeal is there already; `slug` names it."""

    def __init__(self, slug: str) -> None:
        super().__init__(f"there is an appeal of this document already: {slug}")
        self.slug = slug


class FourEyesError(StateError):
    """Whoever wrote an appeal does not publish it."""


class SignUpChangedError(StateError):
    """The waiting sign-up is no longer what the link or page showed; show it again and ask again."""


class AppealEndedError(StateError):
    """The deadline has passed in the supporter's section, or the appeal was closed or stopped."""


class InvalidatedError(StateError):
    """Staff have taken the signature out of the counts."""


class ChallengeError(TocsinError):
    """A proof of work is wrong, too old, or was made for another appeal. `wait` seconds may still be missing."""

    def __init__(self, message: str, wait: int = 0) -> None:
        super().__init__(message)
        self.wait = wait


class ConcurrentSignUpError(TocsinError):
    """Another sign-up of the same address came at the same moment, or drew the same lot: do it again."""


class SpentSolutionError(ChallengeError):
    """A proof of work was taken before."""

    def __init__(self) -> None:
        super().__init__("this proof was taken before")


class TokenError(TocsinError):
    """A mailed link is damaged, was made for another purpose, or with another key."""


class ExpiredTokenError(TokenError):
    """A mailed link is genuine but too old. `subject` is the signature that it was made for."""

    def __init__(self, subject: int) -> None:
        super().__init__("the link has expired")
        self.subject = subject


class UnknownKeyError(TocsinError):
    """A row was to be written under a key that the database does not have (any more)."""


class CipherError(TocsinError):
    """Sealed data cannot be opened: its key is not among the data keys, or it was changed."""


class ErasedKeyError(CipherError):
    """Sealed data cannot be opened any more: the key of its row was erased, as it is when somebody leaves."""
