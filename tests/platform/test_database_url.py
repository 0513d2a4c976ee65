"""Every form of a URL with several hosts becomes the form that libpq, SQLAlchemy and Huey read."""

from __future__ import annotations

import pytest
from psycopg.conninfo import conninfo_to_dict
from sqlalchemy import create_engine

from campaign.database_url import normalised_address

HOSTS = {"host": "a,b", "port": "5433,5434", "dbname": "tocsin", "user": "u", "target_session_attrs": "read-write"}


@pytest.mark.parametrize(
    "address",
    [
        "u@a:5433,b:5434/tocsin",
        "u@a:5433,b:5434/tocsin?target_session_attrs=read-write",
        "u@/tocsin?host=a:5433&host=b:5434",
        "u@/tocsin?host=a,b&port=5433,5434",
        "u@/tocsin?host=a:5433,b:5434",
    ],
)
def test_all_forms_become_the_same_url(address: str) -> None:
    said = normalised_address(address)
    assert conninfo_to_dict(f"postgresql://{said}") == HOSTS
    engine = create_engine(f"postgresql+psycopg://{said}")
    _, asked = engine.dialect.create_connect_args(engine.url)
    assert {key: str(value) for key, value in asked.items() if key != "context"} == HOSTS


@pytest.mark.parametrize(
    "address",
    ["u:p%40ss@h:5433/tocsin", "tocsin@/tocsin?host=/var/run/postgresql", "/tocsin", "u@[::1]:5433/t?sslmode=require"],
)
def test_an_address_with_one_host_stays_as_it_is(address: str) -> None:
    assert normalised_address(address) == address


def test_missing_parts_have_defaults() -> None:
    folders = conninfo_to_dict("postgresql://" + normalised_address("u@%2Frun%2Fone:5433,%2Frun%2Ftwo/t"))
    assert (folders["host"], folders["port"]) == ("/run/one,/run/two", "5433,5432")
    said = conninfo_to_dict(
        "postgresql://" + normalised_address("u:p%40ss@a,[::1]:5434/t?sslmode=require&target_session_attrs=any")
    )
    assert said["host"] == "a,::1"
    assert said["port"] == "5432,5434"
    assert (said["password"], said["sslmode"], said["target_session_attrs"]) == ("p@ss", "require", "any")
    assert conninfo_to_dict("postgresql://" + normalised_address("/t?host=a,b&port=5433"))["port"] == "5433,5433"


@pytest.mark.parametrize("address", ["a:x,b/t", "a/t?host=b,c", "/t?host=a,b,c&port=1,2", "/t?host=a,b&port=x"])
def test_an_inconsistent_url_is_refused(address: str) -> None:
    with pytest.raises(ValueError, match=r"port|hosts"):
        normalised_address(address)
