"""The forms of staff pages: parsed, filled in and sent."""

from __future__ import annotations

import io
from collections.abc import Iterator
from dataclasses import dataclass, field
from html.parser import HTMLParser
from typing import Any
from urllib.parse import urljoin

from flask.testing import FlaskClient

_TYPED = {"text", "search", "email", "url", "tel", "password", ""}


@dataclass
class Form:
    """A form of a page: its values, and the names of its fields for text and for files."""

    action: str
    method: str
    values: dict[str, str] = field(default_factory=dict)
    typed: list[str] = field(default_factory=list)
    files: list[str] = field(default_factory=list)


class Forms(HTMLParser):
    """A parser of a page's forms."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.forms: list[Form] = []
        self._select = ""
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Handle a start tag for HTMLParser."""
        attributes = {name: value or "" for name, value in attrs}
        if tag == "form":
            self.forms.append(Form(attributes.get("action", ""), attributes.get("method", "get").lower()))
        if not self.forms:
            return
        form, name = self.forms[-1], attributes.get("name", "")
        if tag == "textarea" or (tag == "input" and attributes.get("type", "") in _TYPED):
            form.typed.append(name)
        elif tag == "input" and attributes.get("type") == "file":
            form.files.append(name)
        elif tag == "input" and attributes.get("type") in {"hidden", "number", "date"}:
            form.values[name] = attributes.get("value", "")
        elif tag == "select":
            self._select = name
        elif tag == "option" and ("selected" in attributes or self._select not in form.values):
            form.values[self._select] = attributes.get("value", "")


def sent_forms(desk: FlaskClient, path: str, payload: str) -> Iterator[tuple[str | None, bytes]]:
    """Send each form of that page with the payload in each of its fields; yield kind and content of the answers."""
    for form in Forms(desk.get(path).text).forms:
        if form.method != "post" or not (form.typed or form.files) or "logout" in form.action:
            continue
        data: dict[str, Any] = form.values | dict.fromkeys(form.typed, payload)
        data |= {name: (io.BytesIO(f"name,email\n{payload}\n".encode()), f"{payload}.csv") for name in form.files}
        answer = desk.post(urljoin(path, form.action), data=data)
        assert answer.status_code < 500, (path, form)
        assert answer.status_code != 400, (path, form)  # its token is missing: no page would be opened
        yield answer.mimetype, answer.data
