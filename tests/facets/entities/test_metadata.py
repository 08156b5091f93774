"""What the console writes on an event, and where a ticket's number leads."""

import pytest
from pytest_django import Settings

from facets.core.records import inbound_record
from facets.entities import metadata


@pytest.fixture(autouse=True)
def _place(settings: Settings) -> None:
    settings.HDEADMIN_TICKET_PATTERN = "[A-Z]+-[0-9]+"
    settings.HDEADMIN_TICKET_URL = "https://tickets.example/{ticket}?view=1"


def test_a_ticket_leads_to_its_page():
    assert metadata.ticket_problem("SUP-7") == ""
    assert metadata.ticket_url("SUP-7") == "https://tickets.example/SUP-7?view=1"


@pytest.mark.parametrize(
    "ticket", ["7", "SUP-7 ", "SUP-7\n", "xSUP-7", "javascript:alert(1)", "A-" + "1" * 100]
)
def test_what_does_not_look_like_a_ticket_is_said_and_leads_nowhere(ticket: str):
    assert metadata.ticket_problem(ticket)
    assert metadata.ticket_url(ticket) == ""


def test_without_a_pattern_any_number_goes_and_cannot_leave_its_place(settings: Settings):
    settings.HDEADMIN_TICKET_PATTERN = ""

    assert (
        metadata.ticket_url("../a?b#c&d=ü\ud800")
        == "https://tickets.example/..%2Fa%3Fb%23c%26d%3D%C3%BC%3F?view=1"
    )


def test_without_an_address_a_ticket_leads_nowhere(settings: Settings):
    settings.HDEADMIN_TICKET_URL = ""

    assert metadata.ticket_url("SUP-7") == ""
    assert metadata.ticket_problem("") == ""


def test_what_others_wrote_as_meta_is_read_as_nothing():
    metas = ["", "[]", "not json", '"x"', '{"operation_id":{}}', '{"corrects":"1"}', '{"corrects":true}']
    records = [
        inbound_record("BANK_ACCOUNT", "1", seq, "T", "{}", 0, meta)
        for seq, meta in enumerate(metas, start=1)
    ]

    assert metadata.appended_by(records, "x") == []
    assert metadata.corrections_of(records) == {}
