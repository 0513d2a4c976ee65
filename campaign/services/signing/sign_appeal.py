"""The rules for signing an appeal, shared by the form, the frame on other sites, paper sheets and the API."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from campaign.domain.abuse.challenge import ChallengeDemand, ChallengeDemandError
from campaign.domain.appeals.appeal import AppealState, is_in_time
from campaign.domain.errors import AppealEndedError, InputError, NotFoundError, SpentSolutionError
from campaign.domain.sections.section import choose_section, participating_sections
from campaign.domain.signing.address import Address
from campaign.platform.context import Context
from campaign.platform.network import Network
from campaign.queries.appeals.appeal import AppealView
from campaign.queries.moderation.floods import is_server_ascii_only
from campaign.queries.sections.section import SectionView
from campaign.services.abuse.limits import admit, new_demand
from campaign.services.outbox.target_mailboxes import TARGET_FLAG, TargetMailboxes
from campaign.services.signing.store_sign_up import SignUpRequest, sign


@dataclass(frozen=True, slots=True)
class CheckedSignUp:
    """A sign-up with checked fields, and its origin.

    `networks` are those of the request, the narrowest first. `proof` and `ticket` answer the human check. `must_prove`
    requires the human check: nothing shows that this application's own form sent the sign-up.
    """

    country: str
    name: str
    address: Address
    via: str | None
    locale: str
    networks: tuple[Network, ...]
    proof: str = ""
    ticket: str = ""
    must_prove: bool = False


def is_signable(appeal: AppealView, *, sections: Sequence[SectionView], now: datetime) -> bool:
    """Return whether at least one section takes signatures of the appeal now; `check_signable` decides for a signer."""
    return appeal.state == AppealState.OPEN and any(
        is_in_time(appeal.deadline, section.last_zone(appeal.deadline), now)
        for section in participating_sections(sections, appeal.sections)
    )


def check_signable(
    appeal: AppealView, country: str, locale: str, *, sections: Sequence[SectionView], now: datetime
) -> SectionView:
    """Return the section that counts a signer of the country and language.

    Raises NotFoundError for a draft. Raises AppealEndedError where the appeal is closed or stopped, where no section
    takes part for that signer, or where the deadline has passed in the section's time zone.
    """
    if appeal.state == AppealState.DRAFT:
        raise NotFoundError("there is no such appeal")
    if appeal.state != AppealState.OPEN:
        raise AppealEndedError(f"{appeal.slug} is {appeal.state}")
    section = choose_section(participating_sections(sections, appeal.sections), country, locale)
    if section is None:
        raise AppealEndedError(f"no section takes a signer of {country} for {appeal.slug}")
    if not is_in_time(appeal.deadline, section.last_zone(appeal.deadline), now):
        raise AppealEndedError(f"the deadline of {appeal.slug} has passed in {section.code}")
    return section


def sign_appeal(
    appeal: AppealView,
    form: CheckedSignUp,
    *,
    sections: Sequence[SectionView],
    target_mailboxes: TargetMailboxes,
    context: Context,
) -> None:
    """Store the sign-up if the appeal may be signed now. An error stores nothing.

    `sections` are all sections; `target_mailboxes` has the addresses of all targets. Raises InputError
    (`email`: `not-carried`), the errors of `check_signable`, and ChallengeDemandError where the abuse limits demand
    the human check. Earlier signatures of the address make no difference here.
    """
    if form.address.is_international and is_server_ascii_only(context.now):
        raise InputError("email", "not-carried", "the mail server does not carry this address")
    section = check_signable(appeal, form.country, form.locale, sections=sections, now=context.now)
    admission = admit(
        appeal, form.address, form.proof, form.ticket, form.networks, must_prove=form.must_prove, context=context
    )
    if isinstance(admission, ChallengeDemand):
        raise ChallengeDemandError(admission)
    text = appeal.text_in(form.locale)
    request = SignUpRequest(
        appeal_id=appeal.id,
        section_code=section.code,
        country=form.country,
        name=form.name,
        address=form.address,
        locale=form.locale,
        text_language=text.language,
        text_version=text.version,
        via=form.via,
        network_digest=bytes.fromhex(form.networks[0].digest),
        flag=admission.flag or (TARGET_FLAG if target_mailboxes.contains(form.address, appeal) else None),
        solved=admission.solved,
    )
    try:
        sign(request, context=context)
    except SpentSolutionError as error:
        raise ChallengeDemandError(new_demand(appeal, form.networks, context=context)) from error
