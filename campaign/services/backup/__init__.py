"""Encrypted backups of one consistent moment of the database, and their restore.

The names imported here are the public interface of the package; import-linter checks that others use nothing else.
"""

from campaign.services.backup.create import CreatedBackup, create_backup
from campaign.services.backup.restore import RestoreReport, load_backup, settle_restored
from campaign.services.backup.verify import verify_backup

__all__ = ["CreatedBackup", "RestoreReport", "create_backup", "load_backup", "settle_restored", "verify_backup"]
