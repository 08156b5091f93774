"""A form as a browser has it: parsed from its HTML, filled in, and sent. No browser, but the same rules."""

import re
from html.parser import HTMLParser
from typing import Any

from django.http import QueryDict
from django.template.loader import render_to_string
from pydantic import BaseModel

from facets.forms.event_form import EventForm

Element = dict[str, Any]


class Page(HTMLParser):
    """The rendered form.

    Attributes:
        controls: inputs, textareas and selects in the order of the page, with their `value` as a browser takes it.
        buttons: the values of the buttons, each with its text.
    """

    def __init__(self, form: EventForm, url: str = "") -> None:
        super().__init__(convert_charrefs=True)
        self.form = form
        self.html = render_to_string(form.template_name, {"form": form, "url": url})
        self.controls: list[Element] = []
        self.buttons: dict[str, str] = {}
        self.elements: list[Element] = []
        self._open: Element | None = None
        self._button = ""
        self.text = ""
        # What is sent is UTF-8, or nothing; a browser reads every carriage return as a line's end.
        self.html.encode()
        self.feed(self.html.replace("\r\n", "\n").replace("\r", "\n").replace("\x00", "\ufffd"))
        self.close()
        for control in self.controls:
            if control["tag"] == "textarea":
                control["value"] = control["value"].removeprefix("\n")
            elif control["tag"] == "input":
                control["value"] = _sanitized(control.get("type", "text"), control.get("value") or "")

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        names = [name for name, _ in attrs]
        assert len(names) == len(set(names)), f"{tag} has an attribute twice: {attrs}"
        element: Element = {name: value if value is not None else "" for name, value in attrs} | {"tag": tag}
        self.elements.append(element)
        if tag in ("input", "textarea", "select"):
            self.controls.append(element)
        if tag == "textarea":
            element["value"] = ""
            self._open = element
        elif tag == "select":
            element |= {"options": [], "value": None}
            self._open = element
        elif tag == "option" and self._open is not None:
            self._open["options"].append(element["value"])
            if "selected" in element or self._open["value"] is None:
                self._open["value"] = element["value"]
        elif tag == "button":
            self._button = element.get("value", "")
            self.buttons[self._button] = ""

    def handle_endtag(self, tag: str) -> None:
        if tag in ("textarea", "select"):
            self._open = None
        elif tag == "button":
            self._button = ""

    def handle_data(self, data: str) -> None:
        if self._open is not None and self._open["tag"] == "textarea":
            self._open["value"] += data
        elif self._button:
            self.buttons[self._button] += data
        self.text += data

    def control(self, name: str) -> Element:
        (found,) = [control for control in self.controls if control.get("name") == name]
        return found

    def labelled(self, label: str) -> Element:
        """The control of a label, by how the label begins."""
        parts = re.findall(r'<label for="([^"]*)">(.*?)</label>', self.html, re.DOTALL)
        (name,) = [name for name, text in parts if re.sub("<.*?>", "", text).strip().startswith(label)]
        return next(control for control in self.controls if control.get("id") == name)

    def posted(self, action: str = "", **typed: str | None) -> QueryDict:
        """What is sent. `typed` is by name, `__` for a dot; None clears a checkbox."""
        typed = {name.replace("__", "."): value for name, value in typed.items()}
        data = QueryDict(mutable=True)
        for control in self.controls:
            name = control.get("name")
            if not name:
                continue
            value = control["value"]
            if control.get("type") == "checkbox":
                checked = typed.get(name) is not None if name in typed else "checked" in control
                if checked:
                    data.appendlist(name, "on")
                continue
            if name in typed:
                value = typed.pop(name)
            data.appendlist(name, re.sub("\r\n|\r|\n", "\r\n", value))
        if action:
            assert action in self.buttons, f"There is no button {action}, only {sorted(self.buttons)}"
            data["_action"] = action
        return data

    def send(self, action: str = "", **typed: str | None) -> EventForm:
        """The form that the server makes of what is sent."""
        data = self.posted(action, **typed)
        form = EventForm(self.form.schema, data=data, prefix=self.form.prefix)
        return form.act(data.get("_action"))

    def press(self, action: str, **typed: str | None) -> "Page":
        return Page(self.send(action, **typed))


def opened(schema: type[BaseModel], **options: Any) -> Page:
    return Page(EventForm(schema, **options))


def _sanitized(kind: str, value: str) -> str:
    """What a browser makes of an input's value before anybody types: nothing, if it is not of the type."""
    value = value if kind == "hidden" else value.replace("\n", "")
    patterns = {
        "number": r"-?([0-9]+(\.[0-9]+)?|\.[0-9]+)([eE][+-]?[0-9]+)?",
        "date": r"[0-9]{4}-[0-9]{2}-[0-9]{2}",
        "time": r"[0-9]{2}:[0-9]{2}(:[0-9]{2}(\.[0-9]{1,3})?)?",
        "datetime-local": r"[0-9]{4}-[0-9]{2}-[0-9]{2}[T ][0-9]{2}:[0-9]{2}(:[0-9]{2}(\.[0-9]{1,3})?)?",
    }
    if kind in patterns and not re.fullmatch(patterns[kind], value):
        return ""
    # Chromium leaves out seconds that are 0.
    return value.removesuffix(":00") if kind == "datetime-local" and value.count(":") == 2 else value
