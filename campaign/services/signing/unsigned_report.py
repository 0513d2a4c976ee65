"""Reports of letters by people who have not signed: counted as far as the abuse limits admit them."""

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
    """A report with checked fields, and its origin.

    `section_code` is the section of the chosen country, `target` the target's position. `networks` are those of the
    request, the narrowest first. `proof` and `ticket` answer the human check.
    """

    section_code: str
    channel: Channel
    target: int
    networks: tuple[Network, ...]
    proof: str = ""
    ticket: str = ""


def count_unsigned_report(appeal: AppealView, report: UnsignedReport, *, context: Context) -> None:
    """Count the report if the abuse limits admit it. An error stores nothing.

    Raises ChallengeDemandError where the limits demand the human check, ReportLimitError above the appeal's cap, and
    the errors of `record_unsigned_report` except SpentSolutionError.
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
