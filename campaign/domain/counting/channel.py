"""The registry of channels, the ways in which a supporter can act, with all their rules.

Forms, pages, the API, exports and the letter use it. To add a channel, see docs/developing/add-a-channel.md.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from campaign.domain.counting.action import Evidence
from campaign.domain.translatable import N_


class ContactKind(StrEnum):
    """The kind of contact detail by which a channel reaches a target."""

    EMAIL = "email"
    POST = "post"
    FAX = "fax"
    PHONE = "phone"
    SOCIAL = "social"


@dataclass(frozen=True, slots=True)
class ChannelStep:
    """The channel's step on the page for sending the letter: its place in the order, and the targets it reaches."""

    order: int
    contact: ContactKind
    # True: it reaches the embassies in the supporter's country. False: it reaches all other targets.
    to_embassies: bool = False


@dataclass(frozen=True, slots=True)
class ChannelRules:
    """The rules of one channel.

    `counted` is its name in tables of counts, `done` its name for the supporter who acts. `evidence` are the kinds of
    evidence with which it may be counted. `step` is None where the page for sending the letter does not offer it.
    """

    counted: str
    done: str
    evidence: frozenset[Evidence]
    step: ChannelStep | None = None


class Channel(StrEnum):
    """A way to act, with its stored value. Tables list the channels in this order."""

    SIGNATURE = "signature"
    PAPER = "paper"
    EMAIL = "email"
    LETTER = "letter"
    FAX = "fax"
    PHONE = "phone"
    SOCIAL = "social"
    EMBASSY = "embassy"
    EVENT = "event"

    @property
    def rules(self) -> ChannelRules:
        """Return the channel's entry in the registry."""
        return CHANNELS[self]

    @property
    def is_reportable(self) -> bool:
        """Return whether a supporter may report it."""
        return Evidence.REPORTED in self.rules.evidence

    @property
    def is_enterable(self) -> bool:
        """Return whether staff may enter a quantity of it."""
        return Evidence.BULK in self.rules.evidence

    @property
    def goes_by_post(self) -> bool:
        """Return whether it goes by post, which takes days to arrive."""
        return self.rules.step is not None and self.rules.step.contact is ContactKind.POST


_BY_CONFIRMATION = frozenset({Evidence.VERIFIED})
_BY_ENTRY = frozenset({Evidence.BULK})
_REPORTED = frozenset({Evidence.REPORTED, Evidence.BULK})
CHANNELS = {
    Channel.SIGNATURE: ChannelRules(N_("Confirmed signatures"), N_("Signature"), _BY_CONFIRMATION),
    Channel.PAPER: ChannelRules(N_("Signatures on paper"), N_("Signatures on paper"), _BY_ENTRY),
    Channel.EMAIL: ChannelRules(N_("E-mails"), N_("By e-mail"), _REPORTED, ChannelStep(1, ContactKind.EMAIL)),
    Channel.LETTER: ChannelRules(N_("Letters"), N_("By post"), _REPORTED, ChannelStep(3, ContactKind.POST)),
    Channel.FAX: ChannelRules(N_("Faxes"), N_("By fax"), _REPORTED, ChannelStep(4, ContactKind.FAX)),
    Channel.PHONE: ChannelRules(N_("Calls"), N_("By telephone"), _REPORTED, ChannelStep(5, ContactKind.PHONE)),
    Channel.SOCIAL: ChannelRules(N_("Posts"), N_("In public"), _REPORTED, ChannelStep(6, ContactKind.SOCIAL)),
    Channel.EMBASSY: ChannelRules(
        N_("To embassies"),
        N_("To the embassy in your country"),
        _REPORTED,
        ChannelStep(2, ContactKind.POST, to_embassies=True),
    ),
    Channel.EVENT: ChannelRules(N_("Events"), N_("At an event"), _BY_ENTRY),
}
# The channels that staff may enter, and those that a supporter may report.
ENTERABLE_CHANNELS = tuple(channel for channel in Channel if channel.is_enterable)
REPORTABLE_CHANNELS = tuple(channel for channel in Channel if channel.is_reportable)
# The steps of the page for sending the letter, in their order.
STEPS = tuple(
    sorted(
        ((channel, channel.rules.step) for channel in Channel if channel.rules.step is not None),
        key=lambda pair: pair[1].order,
    )
)
