"""The application factory, the only place that connects all parts of the application."""

from __future__ import annotations

import logging
import os
import sys
from collections.abc import Callable
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

from flask import Flask
from huey.storage import PostgresStorage, RedisStorage, SqliteStorage
from sqlalchemy.exc import DBAPIError
from werkzeug.middleware.dispatcher import DispatcherMiddleware
from werkzeug.middleware.proxy_fix import ProxyFix

from campaign import cli, tasks, web
from campaign.cli.without_settings import is_read_only, needs_no_settings, read_only_settings, settings_or_defaults
from campaign.config import ROOT, Settings, SettingsError, load
from campaign.domain.privacy.cipher import Vault
from campaign.domain.signing.token import Tokens
from campaign.mail.extension import mail, mail_config
from campaign.platform import babel, db, huey, limiter, migrate, redaction
from campaign.platform.database import postgresql, row_security, sqlite, time_limit
from campaign.platform.database.errors import diagnose
from campaign.platform.limits import redis_pool
from campaign.platform.runtime import RUNTIME_KEY, Runtime
from campaign.queries.privacy.row_key import seeds_of
from campaign.web.http.admission import EXTENSION as ADMISSION_EXTENSION
from campaign.web.http.admission import Admission
from campaign.web.http.host import HostCheck
from campaign.web.http.proxies import EXTENSION as PROXY_EXTENSION
from campaign.web.http.proxies import UnknownProxy
from campaign.web.staff import ROOT as STAFF_ROOT

log = logging.getLogger(__name__)

LOG_FORMAT = "%(asctime)s %(levelname)s %(name)s: %(message)s"


def create_app(settings: Settings | None = None, clock: Callable[[], datetime] | None = None) -> Flask:
    """Return the application.

    A wrong setting ends the process: one line on stderr, exit status 1.

    Args:
        settings: The settings; by default those of the environment.
        clock: The application's clock, which returns the current moment in UTC.
    """
    if settings is None:
        try:
            settings = _settings(sys.argv)
        except SettingsError as error:
            sys.exit(f"tocsin: {error}")
        # Without this, a process whose logging is not configured would log lines without time and level.
        logging.basicConfig(level=logging.WARNING, format=LOG_FORMAT)
    redaction.install()
    os.umask(0o077)  # only the application's own user may read its files: database, queue, mail, keys
    app = Flask(
        "campaign", template_folder=str(ROOT / "templates"), static_folder=None, instance_path=str(settings.instance)
    )
    _configure(app, settings)
    app.extensions[RUNTIME_KEY] = Runtime(
        settings=settings,
        vault=Vault(settings.data_key, settings.index_key, seeds_of),
        tokens=Tokens(settings.secret_key),
        clock=clock or (lambda: datetime.now(UTC)),
    )
    _bind_database(app, settings)
    migrate.init_app(
        app, db, directory=str(ROOT / "migrations"), render_as_batch=settings.database_url.startswith("sqlite")
    )
    bind_queue(settings)
    app.config.update(mail_config(settings.mail_url))
    mail.init_app(app)
    web.init_app(app, babel, limiter)
    cli.init_app(app)
    tasks.bind(app)
    _add_middleware(app, _staff_app(app, settings), settings)
    return app


def _add_middleware(app: Flask, staff_app: Flask, settings: Settings) -> None:
    """Serve both applications as one, behind the checks of proxies, host and admission."""
    applications = DispatcherMiddleware(app.wsgi_app, {STAFF_ROOT: staff_app})
    admission = app.extensions[ADMISSION_EXTENSION] = Admission(applications)
    host_check = HostCheck(admission, settings)
    # Flask documents wsgi_app as the place for middleware. Only the client's address is taken from a proxy: host and
    # scheme are those of the base URL.
    if settings.proxies:
        app.wsgi_app = ProxyFix(host_check, x_for=settings.proxies, x_proto=0)  # type: ignore[method-assign]
    else:
        app.extensions[PROXY_EXTENSION] = app.wsgi_app = UnknownProxy(host_check)  # type: ignore[method-assign]


def _settings(arguments: list[str]) -> Settings:
    """Return the settings of this process. Raises SettingsError."""
    if needs_no_settings(arguments):
        return settings_or_defaults()
    return read_only_settings(arguments) if is_read_only(arguments) else load()


def _staff_app(public: Flask, settings: Settings) -> Flask:
    """Return the application that is served under /staff; it is separate because only it has sessions and log-ins.

    It shares settings, keys and clock with the public one. It has its own database connections, because each of them
    tells the database which section it may see.
    """
    app = Flask("campaign", template_folder=public.template_folder, static_folder=None)
    _configure(app, settings)
    # Only this application has a key for sessions; the public one never opens a session.
    newest, *older = settings.secret_key
    app.config["SECRET_KEY"], app.config["SECRET_KEY_FALLBACKS"] = newest, older
    app.extensions[RUNTIME_KEY] = public.extensions[RUNTIME_KEY]
    _bind_database(app, settings, session_options=f"-c {row_security.SETTING}={row_security.NO_SECTION}")
    with app.app_context():
        row_security.install(db.engine)
    web.staff.init_app(app, public, babel)
    public.extensions["tocsin_staff"] = app
    return app


def _configure(app: Flask, settings: Settings) -> None:
    """Set the configuration that both applications have."""
    app.config.update(
        MAX_CONTENT_LENGTH=256 * 1024,
        MAX_FORM_MEMORY_SIZE=256 * 1024,
        SQLALCHEMY_DATABASE_URI=settings.database_url,
        MAIL_DEFAULT_SENDER=settings.mail_from,
        BABEL_DEFAULT_LOCALE="en",
        BABEL_TRANSLATION_DIRECTORIES=str(Path(__file__).parent / "translations"),
        **_limits_storage(settings.limits_url),
        RATELIMIT_SWALLOW_ERRORS=True,  # no request fails because the storage does not answer
        RATELIMIT_IN_MEMORY_FALLBACK_ENABLED=True,  # until it answers again, each process counts by itself
        RATELIMIT_ENABLED=settings.limits_url != "off",
    )
    app.jinja_options = {"trim_blocks": True, "lstrip_blocks": True}


def _limits_storage(url: str) -> dict[str, Any]:
    """Return Flask-Limiter's configuration of the storage for TOCSIN_LIMITS_URL."""
    if url in {"off", "memory://"}:
        return {"RATELIMIT_STORAGE_URI": "memory://"}
    url = url.replace("valkey", "redis", 1)  # the protocol is the same
    limiter.logger.filters = [redis_pool.LimitsLogFilter()]
    return {
        "RATELIMIT_STORAGE_URI": url,
        "RATELIMIT_STORAGE_OPTIONS": {"connection_pool": redis_pool.pausing_pool(url)},
    }


def _bind_database(app: Flask, settings: Settings, session_options: str = "") -> None:
    """Connect the application to the database; `session_options` are PostgreSQL options of each connection."""
    is_embedded = settings.database_url.startswith("sqlite:///")
    if is_embedded:
        Path(settings.database_url.removeprefix("sqlite:///")).parent.mkdir(parents=True, exist_ok=True)
        app.config["SQLALCHEMY_ENGINE_OPTIONS"] = {"pool_size": 20, "max_overflow": 20, "hide_parameters": True}
    else:
        app.config["SQLALCHEMY_ENGINE_OPTIONS"] = {
            "hide_parameters": True,  # no value of a row in the log
            "pool_pre_ping": False,
            "pool_size": 10,
            "max_overflow": 30,
            "pool_recycle": 1800,
            "pool_timeout": 5,
            "connect_args": postgresql.CONNECT_ARGUMENTS | {"options": f"-c timezone=UTC {session_options}"},
        }
    db.init_app(app)
    app.teardown_appcontext(_release_session)
    with app.app_context():
        (sqlite if is_embedded else postgresql).prepare(db.engine)


def _release_session(_error: BaseException | None) -> None:
    """Return the connection to the pool before Flask-SQLAlchemy does.

    If the connection broke after the last statement, the error comes only now. Raised in Flask-SQLAlchemy, it would
    replace a response that is complete.
    """
    try:
        db.session.remove()
    except DBAPIError as error:
        if not error.connection_invalidated:
            raise
        log.warning("the connection to the database broke after the answer: %s", diagnose(error))
    finally:
        time_limit.stop()


def bind_queue(settings: Settings) -> None:
    """Give Huey the storage of TOCSIN_QUEUE_URL."""
    huey.storage.close()  # the storage of an earlier application in this process
    url = settings.queue_url
    if url.startswith("sqlite:///"):
        path = Path(url.removeprefix("sqlite:///"))
        path.parent.mkdir(parents=True, exist_ok=True)
        huey.storage = SqliteStorage("tocsin", filename=str(path), create_tables=False)
    elif url.startswith("postgresql+psycopg://"):
        dsn = url.replace("+psycopg", "", 1)
        connect = partial(postgresql.queue_connection, dsn)
        huey.storage = PostgresStorage("tocsin", connection=connect, create_tables=False)
    else:
        # Not blocking: the time-out of these connections is shorter than the wait for a job.
        huey.storage = RedisStorage("tocsin", blocking=False, connection_pool=redis_pool.pausing_pool(url))
