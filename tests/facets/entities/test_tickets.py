"""Tickets' numbers and where they lead."""

import pytest
from pytest_django import Settings

from facets.entities import tickets


@pytest.fixture(autouse=True)
def _place(settings: Settings) -> None:
    settings.HDEADMIN_TICKET_PATTERN = "[A-Z]+-[0-9]+"
    settings.HDEADMIN_TICKET_URL = "https://tickets.example/{ticket}?view=1"


def test_a_ticket_leads_to_its_page():
    assert tickets.problem("SUP-7") == ""
    assert tickets.url("SUP-7") == "https://tickets.example/SUP-7?view=1"


@pytest.mark.parametrize(
    "ticket", ["7", "SUP-7 ", "SUP-7\n", "xSUP-7", "javascript:alert(1)", "A-" + "1" * 100]
)
def test_what_does_not_look_like_a_ticket_is_said_and_leads_nowhere(ticket: str):
    assert tickets.problem(ticket)
    assert tickets.url(ticket) == ""


def test_without_a_pattern_any_number_goes_and_cannot_leave_its_place(settings: Settings):
    settings.HDEADMIN_TICKET_PATTERN = ""

    assert (
        tickets.url("../a?b#c&d=ü\ud800") == "https://tickets.example/..%2Fa%3Fb%23c%26d%3D%C3%BC%3F?view=1"
    )


def test_without_an_address_a_ticket_leads_nowhere(settings: Settings):
    settings.HDEADMIN_TICKET_URL = ""

    assert tickets.url("SUP-7") == ""
    assert tickets.problem("") == ""
