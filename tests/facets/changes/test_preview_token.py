"""What a preview promised, signed."""

import pytest
import time_machine
from django.core import signing

from facets.changes import preview_token
from facets.changes.preview_token import ConfirmationRefused, Promise, PromisedEvent

PROMISE = Promise(
    person="7",
    action="append",
    facet="BANK_ACCOUNT",
    id="acc-1",
    seq=3,
    operation_id="11111111-1111-1111-1111-111111111111",
    events=(PromisedEvent("T", {"amount": 2**60, "desc": "é😀\x00"}, 2), PromisedEvent("U", [])),
    state="abc",
    draft="def",
)
MINE = {"person": "7", "action": "append", "facet": "BANK_ACCOUNT", "id": "acc-1"}


def test_a_promise_comes_back_as_it_was_signed():
    assert preview_token.read(PROMISE.sign(), **MINE) == PROMISE


@pytest.mark.parametrize("changed", ["person", "action", "facet", "id"])
def test_a_promise_holds_for_one_person_action_and_entity(changed: str):
    with pytest.raises(ConfirmationRefused):
        preview_token.read(PROMISE.sign(), **MINE | {changed: "other"})


def test_a_promise_altered_at_any_place_is_refused():
    text = PROMISE.sign()
    for place in range(len(text)):
        other = text[:place] + ("A" if text[place] != "A" else "B") + text[place + 1 :]
        try:
            read = preview_token.read(other, **MINE)
        except ConfirmationRefused:
            continue
        # The last character of base64 holds bits that mean nothing.
        assert read == PROMISE


def test_a_promise_is_refused_an_hour_after_its_preview():
    with time_machine.travel("2026-11-20T10:00:00Z", tick=False):
        text = PROMISE.sign()
    with time_machine.travel("2026-11-20T10:59:59Z", tick=False):
        assert preview_token.read(text, **MINE) == PROMISE
    with (
        time_machine.travel("2026-11-20T11:00:01Z", tick=False),
        pytest.raises(ConfirmationRefused, match="more than an hour old"),
    ):
        preview_token.read(text, **MINE)


def test_what_was_signed_for_another_purpose_is_refused():
    values = signing.loads(PROMISE.sign(), salt="facets.confirmations")

    for text in (signing.dumps(values), signing.dumps("x", salt="facets.confirmations"), "", "a:b:c"):
        with pytest.raises(ConfirmationRefused):
            preview_token.read(text, **MINE)
