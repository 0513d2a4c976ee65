"""Letters reported without a signature: counted as far as the abuse limits admit them."""

from __future__ import annotations

from dataclasses import dataclass

from campaign.domain.abuse.challenge import ChallengeDemand, ChallengeDemandError
from campaign.domain.counting.channel import Channel
from campaign.domain.errors import ReportLimitError, SpentSolutionError
from campaign.platform.context import Context
from campaign.platform.network import Network
from campaign.queries.appeals.appeal import AppealView
from campaign.services.abuse.limits import admit_report, new_demand
from campaign.services.signing.report_action import record_unsigned_report


@dataclass(frozen=True, slots=True)
class UnsignedReport:
    """A report whose fields are checked, and where it came from.

    `section_code` is the section of the chosen country, `target` the position of the addressee. `networks` are those
    of the request, the narrowest first. `proof` and `ticket` answer the human check.
    """

    section_code: str
    channel: Channel
    target: int
    networks: tuple[Network, ...]
    proof: str = ""
    ticket: str = ""


def count_unsigned_report(appeal: AppealView, report: UnsignedReport, *, context: Context) -> None:
    """Count the report, where the abuse limits admit it; else store nothing.

    Raises ChallengeDemandError where the limits ask for the human check, ReportLimitError above the appeal's cap, and
    as `record_unsigned_report`.
    """
    networks = report.networks
    admission = admit_report(appeal, report.proof, report.ticket, networks, context=context)
    if admission is None:
        raise ReportLimitError(f"{appeal.slug} takes no more reports for a while")
    if isinstance(admission, ChallengeDemand):
        raise ChallengeDemandError(admission)
    narrow, wide = networks[0], networks[1 if len(networks) > 1 else 0]
    try:
        record_unsigned_report(
            appeal.id,
            report.section_code,
            report.channel,
            target=report.target,
            solved=admission.solved,
            networks=(bytes.fromhex(narrow.digest), bytes.fromhex(wide.digest)),
            context=context,
        )
    except SpentSolutionError as error:
        raise ChallengeDemandError(new_demand(appeal, networks, context=context)) from error
