"""The tables, one file per noun. Importing this package declares them all."""

from campaign.models.action import Action
from campaign.models.announcement import Announcement, AnnouncementText
from campaign.models.appeal import Appeal, AppealText, ImportedDocument, Target
from campaign.models.audit import AuditEntry, AuditHead
from campaign.models.delivery import ClockOffset, MailHold, MailPace, Suppression
from campaign.models.departure import Departure
from campaign.models.disclosure import DisclosureDay
from campaign.models.entry import Entry, SheetRow
from campaign.models.flood import Alarm, LinkRequest, SpentSolution
from campaign.models.handover import Handover, HandoverPart
from campaign.models.invalidation import Invalidation, Withheld
from campaign.models.mail import Mail
from campaign.models.mail_domain import DomainWatch, MailDomain
from campaign.models.month_key import MonthKey
from campaign.models.periodic_run import PeriodicRun
from campaign.models.row_key import RowKey
from campaign.models.section import Section
from campaign.models.sign_up import MailboxLimit, SignUp
from campaign.models.signature import Consent, Signature, Tombstone
from campaign.models.site_text import SiteText
from campaign.models.staff import LoginFailure, Passkey, ResetRequest, Staff, StaffSession
from campaign.models.step import TallyStep
from campaign.models.tally import Tally, TallyFold, TallyHour
from campaign.models.worker import Worker

__all__ = [
    "Action",
    "Alarm",
    "Announcement",
    "AnnouncementText",
    "Appeal",
    "AppealText",
    "AuditEntry",
    "AuditHead",
    "ClockOffset",
    "Consent",
    "Departure",
    "DisclosureDay",
    "DomainWatch",
    "Entry",
    "Handover",
    "HandoverPart",
    "ImportedDocument",
    "Invalidation",
    "LinkRequest",
    "LoginFailure",
    "Mail",
    "MailDomain",
    "MailHold",
    "MailPace",
    "MailboxLimit",
    "MonthKey",
    "Passkey",
    "PeriodicRun",
    "ResetRequest",
    "RowKey",
    "Section",
    "SheetRow",
    "SignUp",
    "Signature",
    "SiteText",
    "SpentSolution",
    "Staff",
    "StaffSession",
    "Suppression",
    "Tally",
    "TallyFold",
    "TallyHour",
    "TallyStep",
    "Target",
    "Tombstone",
    "Withheld",
    "Worker",
]
