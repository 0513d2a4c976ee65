"""The minimum cost of the same work with Flask: a constant page, and a form that commits one insert of two rows."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path

from flask import Flask, Response, redirect, request
from flask_sqlalchemy import SQLAlchemy
from sqlalchemy import Column, Integer, MetaData, String, Table, insert
from sqlalchemy.exc import DBAPIError
from werkzeug.wrappers import Response as Answer

from campaign.config import load
from campaign.platform.database import sqlite

_SETTINGS = load(os.environ, Path.cwd())
app = Flask(__name__)
app.config["SQLALCHEMY_DATABASE_URI"] = _SETTINGS.database_url
app.config["SQLALCHEMY_ENGINE_OPTIONS"] = {"pool_size": 20}
db = SQLAlchemy(metadata=MetaData())
db.init_app(app)
rows = Table(
    "bare", db.metadata, Column("id", Integer, primary_key=True), Column("name", String), Column("email", String)
)
_PAGE = b"x" * 6000
_SMALL = b"x" * 350

with app.app_context():
    if db.engine.dialect.name == "sqlite":
        sqlite.prepare(db.engine)
    with suppress(DBAPIError):  # the other process has created it
        rows.create(db.engine, checkfirst=True)


@app.get("/hello")
def hello() -> Response:
    """Return as many bytes as the compressed appeal page has."""
    return Response(_PAGE, content_type="text/html; charset=utf-8")


@app.get("/hello-small")
def hello_small() -> Response:
    """Return as many bytes as the counts have."""
    return Response(_SMALL, content_type="application/json")


@app.post("/sign")
def sign() -> Answer:
    """Parse the same form and commit two rows."""
    values = {"name": request.form["name"], "email": request.form["email"]}
    connection = db.session.connection(execution_options={sqlite.WRITE_OPTION: True})
    connection.execute(insert(rows), [values, values])
    db.session.commit()
    return redirect("/thanks", 303)
