"""Backups, of one consistent moment of the database, encrypted before they leave the process, and their restore.

This is the public interface of the package: other packages use these names only, which import-linter checks.
"""

from campaign.services.backup.create import CreatedBackup, create_backup
from campaign.services.backup.restore import RestoreReport, load_backup, settle_restored
from campaign.services.backup.verify import verify_backup

__all__ = ["CreatedBackup", "RestoreReport", "create_backup", "load_backup", "settle_restored", "verify_backup"]
