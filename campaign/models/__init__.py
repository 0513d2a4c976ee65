"""The tables, one module for each noun. Importing this package declares them all."""

from campaign.models.abuse.abuse import AbuseAlert, LinkRequest, SpentSolution
from campaign.models.announcements.announcement import Announcement, AnnouncementText
from campaign.models.appeals.appeal import Appeal, AppealText, ImportedDocument, Target
from campaign.models.counting.action import Action
from campaign.models.counting.funnel_count import FunnelCount
from campaign.models.counting.tally import RollupProgress, Tally, TallyHour
from campaign.models.delivery.delivery import ClockOffset, DomainRate, QueuePause, Suppression
from campaign.models.delivery.periodic_run import PeriodicRun
from campaign.models.delivery.worker import Worker
from campaign.models.handover.handover import Handover, HandoverPart
from campaign.models.moderation.invalidation import InvalidatedAction, Invalidation
from campaign.models.moderation.mail_domain import DomainWatch, MailDomain
from campaign.models.offline.bulk_entry import BulkEntry, SheetRow
from campaign.models.outbox.mail import Mail
from campaign.models.privacy.disclosure import DisclosureDay
from campaign.models.privacy.erasure_journal import ErasureJournalEntry
from campaign.models.privacy.month_key import MonthKey
from campaign.models.privacy.row_key import RowKey
from campaign.models.sections.section import Section
from campaign.models.sections.site_text import SiteText
from campaign.models.signing.sign_up import MailboxLimit, SignUp
from campaign.models.signing.signature import Consent, Signature, Tombstone
from campaign.models.staff.account import LoginFailure, Passkey, ResetRequest, Staff, StaffSession
from campaign.models.staff.audit import AuditEntry, AuditHead

__all__ = [
    "AbuseAlert",
    "Action",
    "Announcement",
    "AnnouncementText",
    "Appeal",
    "AppealText",
    "AuditEntry",
    "AuditHead",
    "BulkEntry",
    "ClockOffset",
    "Consent",
    "DisclosureDay",
    "DomainRate",
    "DomainWatch",
    "ErasureJournalEntry",
    "FunnelCount",
    "Handover",
    "HandoverPart",
    "ImportedDocument",
    "InvalidatedAction",
    "Invalidation",
    "LinkRequest",
    "LoginFailure",
    "Mail",
    "MailDomain",
    "MailboxLimit",
    "MonthKey",
    "Passkey",
    "PeriodicRun",
    "QueuePause",
    "ResetRequest",
    "RollupProgress",
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
    "TallyHour",
    "Target",
    "Tombstone",
    "Worker",
]
