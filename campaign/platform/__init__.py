"""The extensions, created here and bound to the application in the factory."""

from __future__ import annotations

from flask_babel import Babel
from flask_limiter import Limiter
from flask_migrate import Migrate
from flask_sqlalchemy import SQLAlchemy
from huey import MemoryHuey

from campaign.platform.database.base_model import BigId, Model, UtcDateTime
from campaign.platform.network import client_network

__all__ = ["BigId", "Model", "UtcDateTime", "babel", "client_network", "db", "huey", "limiter", "migrate"]

db = SQLAlchemy(metadata=Model.metadata, session_options={"expire_on_commit": False})
migrate = Migrate()
babel = Babel()
limiter = Limiter(key_func=client_network)
# The factory replaces its storage by a SQLite file, PostgreSQL or Redis, depending on the settings.
huey = MemoryHuey("tocsin", immediate=False)
