"""Sensitive values are masked, and nothing else is."""

import copy
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from facets.core import json
from facets.core.diff import ABSENT, diff
from facets.definitions import FacetDefinition, Model, display
from facets.definitions.masking import (
    BULLETS,
    MASKED,
    holds_sensitive,
    leave_out,
    mask,
    mask_changes,
    mask_text,
    redact,
)

SECRET = "canary-7f3"


def test_a_one_word_path_is_masked_at_any_depth_and_in_lists():
    value = {"email": SECRET, "a": [{"email": 1, "b": 2}, {"b": {"email": None}}], "emails": "kept"}

    assert mask(value, ("email",)) == {
        "email": MASKED,
        "a": [{"email": MASKED, "b": 2}, {"b": {"email": MASKED}}],
        "emails": "kept",
    }


def test_a_dotted_path_matches_where_its_keys_follow_one_another():
    value = {"number": 1, "card": {"number": SECRET}, "old": [{"card": [{"number": SECRET, "year": 2030}]}]}

    assert mask(value, ("card.number",)) == {
        "number": 1,
        "card": {"number": MASKED},
        "old": [{"card": [{"number": MASKED, "year": 2030}]}],
    }


def test_a_masked_value_may_be_an_object_or_a_list():
    assert mask({"address": {"street": SECRET}, "phones": [SECRET]}, ("address", "phones")) == {
        "address": MASKED,
        "phones": MASKED,
    }


def test_a_key_that_holds_dots_itself_is_masked_too():
    assert mask({"card.number": SECRET, "x.email": SECRET}, ("card.number", "email")) == {
        "card.number": MASKED,
        "x.email": MASKED,
    }


def test_where_a_value_stands_decides_what_is_sensitive_in_it():
    assert mask({"number": 1}, ("card.number",), under=("card", 0)) == {"number": MASKED}
    assert mask("x", ("card",), under=("card",)) is MASKED
    assert mask("x", ("card",), under=("other",)) == "x"


def test_the_value_itself_is_never_changed():
    value = {"email": SECRET, "list": [{"email": SECRET}]}
    before = copy.deepcopy(value)

    mask(value, ("email",))

    assert value == before


def test_a_value_nested_deeper_than_python_may_call_is_masked():
    value: Any = {"email": SECRET}
    for _ in range(100_000):
        value = [value]

    masked = mask(value, ("email",))

    while isinstance(masked, list):
        [masked] = masked
    assert masked == {"email": MASKED}


_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.just(SECRET) | st.text(),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["a", "b", "secret"]), inner, max_size=3)
    ),
    max_leaves=12,
)


@given(_values)
@settings(max_examples=60)
def test_masking_hides_all_below_a_path_and_keeps_all_else(value: Any):
    def expected(part: Any) -> Any:
        if isinstance(part, dict):
            return {key: MASKED if key == "secret" else expected(item) for key, item in part.items()}
        return [expected(item) for item in part] if isinstance(part, list) else part

    masked = mask(value, ("secret",))

    assert masked == expected(value)
    assert mask(masked, ("secret",)) == masked
    assert holds_sensitive({"x": value}, ("secret",)) == (masked != value)


@given(_values, _values)
@settings(max_examples=60)
def test_masked_changes_hold_no_value_of_a_sensitive_path(old: Any, new: Any):
    for change in mask_changes(diff({"s": {"secret": old}}, {"s": {"secret": new}}), ("secret",)):
        assert change.path == ("s", "secret")
        assert change.old is MASKED
        assert change.new is MASKED


def test_changes_below_a_sensitive_path_are_one_change_that_tells_no_keys():
    old = {"address": {"street": "a", "town": "b"}, "cards": [{"no": 1}]}
    new = {"address": {"street": "c", "zip": "d"}, "cards": [{"no": 1}, {"no": 2}], "name": "Ada"}

    found = mask_changes(diff(old, new), ("address", "no"))

    assert [(change.path, change.kind, change.old, change.new) for change in found] == [
        (("address",), "changed", MASKED, MASKED),
        (("cards", 1), "added", ABSENT, {"no": MASKED}),
        (("name",), "added", ABSENT, "Ada"),
    ]


def test_a_masked_value_reads_as_bullets_however_it_is_written():
    assert f"{MASKED:+,.2f} {MASKED!r} {MASKED} {MASKED:>40}" == " ".join([BULLETS] * 4)
    assert display.scalar(MASKED) == display.Value("masked", BULLETS)
    assert json.dumps({"email": MASKED}) == f'{{"email":"{BULLETS}"}}'
    assert copy.deepcopy({"a": MASKED})["a"] is MASKED


def test_the_same_bullets_in_an_event_are_no_masked_value():
    assert display.scalar(BULLETS).kind == "text"


@pytest.mark.parametrize("text", ["{broken", '"bare"', '["secret"]', "1", "[" * 100_000])
def test_stored_text_that_is_no_json_object_is_masked_whole(text: str):
    assert mask_text(text, ("email",)) == BULLETS
    assert mask_text(text, ()) == text


def test_what_is_left_out_is_named_once():
    value = {"email": SECRET, "owners": [{"email": SECRET, "name": "Ada"}, {"email": None}]}

    assert leave_out(value, ("email",)) == ({"owners": [{"name": "Ada"}, {}]}, ["email"])
    assert value["email"] == SECRET


@pytest.mark.parametrize(
    ("text", "secret"),
    [
        ("no such owner: Grace Hopper", "Grace Hopper"),
        ("no such owner: HOPPER", "Grace Hopper"),
        ("owner 'Gra…' is too long", "Grace Hopper"),
        ("refused DE89-3704", "DE89 3704 0044"),
        ("ends in 0044", "DE89 3704 0044"),
        ('{"iban":"\\"quoted\\""}', '"quoted"'),
        ("balance 1,234.50 is too low", 1234.5),
        ("balance 1235 is too low", 1234.5),
        ("-1234.5", 1234.5),
        ("flag is True", True),
        ("initial e taken", "e"),
        ("key 2024-01 of spend", {"2024-01": 3}),
    ],
)
def test_a_text_that_quotes_a_sensitive_value_is_redacted(text: str, secret: Any):
    redacted = redact(text, ("secret",), {"secret": secret, "other": 1})

    assert BULLETS in redacted
    assert redact(text, ("secret",), {"other": secret}) == text
    assert redact(text, (), {"secret": secret}) == text


@pytest.mark.parametrize(
    ("text", "state"),
    [
        # Three of its digits stand in another secret as well.
        ("pin 1,234 of Ada is taken", {"pin": 1234, "card": "zq1234567812345678"}),
        ("pin 987'654 of Ada is taken", {"pin": 987654, "card": "0000654"}),
        # A number that is stored as text, in groups.
        ("pin 12,345,678 of Ada is taken", {"pin": "12345678"}),
    ],
)
def test_of_a_number_that_is_written_in_groups_none_is_left(text: str, state: dict[str, Any]):
    assert redact(text, ("pin", "card"), state) == f"pin {BULLETS} of Ada is taken"


def test_a_number_too_large_for_any_comparison_is_not_shown():
    assert redact("about 1e9999999 of it", ("pin",), {"pin": 1234}) == f"about {BULLETS} of it"


def test_other_words_of_a_text_are_left():
    text = "insufficient funds: event 12 of ORDER for Grace"

    assert (
        redact(text, ("name",), {"name": "Grace"}) == f"insufficient funds: event 12 of ORDER for {BULLETS}"
    )


def test_a_text_about_more_secrets_than_can_be_looked_for_is_masked_whole():
    assert redact("anything", ("s",), {"s": list(range(1_000))}) == BULLETS


class Payment(Model):
    iban: str = ""
    amount: float = 0

    @property
    def summary(self) -> str:
        return f"{self.amount} from {self.iban}"


class Paid(Model):
    payment: Payment
    note: str = ""


class Account(Model):
    pass


@pytest.mark.parametrize(
    ("sentence", "expected"),
    [
        ("{payment.iban} paid {payment.amount:+,.2f}", f"{BULLETS} paid +5.00"),
        ("{payment.iban:>40}{payment.iban!r}", BULLETS * 2),
        ("{payment}", BULLETS),
        ("{payment.summary}", BULLETS),
        ("{payment.__dict__}", BULLETS),
        ("{payment.__dict__[iban]}", BULLETS),
        ("{note}", "hello"),
        ("{extra[0][iban]}", BULLETS),
    ],
)
def test_a_sentence_masks_what_is_sensitive_and_what_is_made_of_it(sentence: str, expected: str):
    facet = FacetDefinition(name="P", title="P", state=Account, sensitive_fields=("iban",))

    @facet.event("PAID", Paid, sentence=sentence)
    def paid(state: Account, event: Paid, publish: Any) -> Account:
        return state

    data = {"payment": {"iban": SECRET, "amount": 5}, "note": "hello", "extra": [{"iban": SECRET}]}

    assert facet.sentence("PAID", data) == expected
    assert SECRET in facet.sentence("PAID", data, sensitive=()) or sentence == "{note}"


def test_of_an_address_like_a_secret_one_nothing_is_left():
    """A reason quotes what an earlier event said; only the state of today is known where it is shown."""
    state = {"email": "dana.miller@example.com"}

    text = redact("Was dana.whitfield@example.org, see TICKET-12.", ["email"], state)

    assert text == f"Was {BULLETS}, see TICKET-12."
