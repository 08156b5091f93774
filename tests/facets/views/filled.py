"""A page's form as a browser sends it: every control with its value, changed by what a person types. No browser."""

import re
from html.parser import HTMLParser
from typing import Any

from django.http import QueryDict
from django.test import Client


class Filled(HTMLParser):
    """The form of a page that holds a button, or its only POST form in `main`.

    Attributes:
        data: what would be sent, without a button.
        buttons: the values of its `_action` buttons, in the order of the page.
    """

    def __init__(self, response: Any) -> None:
        super().__init__(convert_charrefs=True)
        self.data = QueryDict(mutable=True)
        self.buttons: list[str] = []
        self._in_main = self._in_form = False
        self._area: str | None = None
        self._select: tuple[str, list[tuple[str, bool]]] | None = None
        self.feed(response.content.decode().replace("\r\n", "\n"))
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        self._in_main = self._in_main or tag == "main"
        if tag == "form" and self._in_main and given.get("method") == "post":
            self._in_form = True
        if not self._in_form:
            return
        name = given.get("name", "")
        if tag == "button" and name == "_action":
            self.buttons.append(given["value"])
        elif tag == "textarea":
            self._area = name
            self.data.appendlist(name, "")
        elif tag == "select":
            self._select = (name, [])
        elif tag == "option" and self._select:
            self._select[1].append((given["value"], "selected" in given))
        elif tag == "input" and name:
            if given.get("type") != "checkbox":
                self.data.appendlist(name, given.get("value", ""))
            elif "checked" in given:
                self.data.appendlist(name, "on")

    def handle_endtag(self, tag: str) -> None:
        if tag == "form":
            self._in_form = False
        elif tag == "textarea" and self._area is not None:
            values = self.data.getlist(self._area)
            self.data.setlist(
                self._area,
                [*values[:-1], re.sub("\n", "\r\n", values[-1].removeprefix("\n"))],
            )
            self._area = None
        elif tag == "select" and self._select:
            name, options = self._select
            chosen = [value for value, selected in options if selected] or [value for value, _ in options[:1]]
            if chosen:
                self.data.appendlist(name, chosen[0])
            self._select = None

    def handle_data(self, data: str) -> None:
        if self._area is not None:
            values = self.data.getlist(self._area)
            self.data.setlist(self._area, [*values[:-1], values[-1] + data])


def press(client: Client, url: str, response: Any, action: str, typed: dict[str, str] | None = None) -> Any:
    """Type into the page's form and press one of its buttons; fails if it has no such box or button."""
    form = Filled(response)
    assert action in form.buttons, f"no button {action}, only {form.buttons}"
    for name, value in (typed or {}).items():
        assert name in form.data, f"no box {name}, only {list(form.data)}"
        form.data[name] = value
    form.data["_action"] = action
    return client.post(url, form.data.urlencode(), content_type="application/x-www-form-urlencoded")
