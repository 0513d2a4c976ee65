"""Backups: one consistent moment of the database, encrypted before it leaves the process, and its way back.

This is the package's door: other packages use these names alone, and import-linter holds them to it.
"""

from campaign.services.backup.create import CreatedBackup, create_backup
from campaign.services.backup.restore import RestoreReport, load_backup, settle_restored
from campaign.services.backup.verify import verify_backup

__all__ = ["CreatedBackup", "RestoreReport", "create_backup", "load_backup", "settle_restored", "verify_backup"]
