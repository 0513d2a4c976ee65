"""The dispatcher of one worker: which mail goes next and over which lane, so that no domain holds up the others.

Everything in the database happens in the dispatcher's own thread, several mails a transaction; the lanes only talk to
the server. What is remembered of a domain (slow, quick) is this worker's own; what all workers must agree on (leases,
the hold, the pace) is in the database.
"""

from __future__ import annotations

import logging
import queue
import threading
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime

from sqlalchemy.orm import Session

from campaign.config import Settings
from campaign.domain.cipher import Vault
from campaign.domain.outbox import BATCH, BATCH_LEASE, Attempt, Outcome
from campaign.domain.return_path import ReturnPaths
from campaign.domain.token import Tokens
from campaign.extensions import db
from campaign.extensions.signals import mail_held, mail_released, mail_unknown, tell
from campaign.mail.lane import Lane, Parcel
from campaign.mail.mime import write
from campaign.mail.transport import Transport
from campaign.queries.appeal import AppealView
from campaign.services.claim import Taken, claim, database_now, release, renew
from campaign.services.compose import render
from campaign.services.deliver import Job, begin, conclude, sweep
from campaign.services.hold import hold_queue, is_about_us, open_hold, release_queue, take_probe
from campaign.services.pace import may_send
from campaign.services.traffic import Traffic
from campaign.services.transaction import transaction
