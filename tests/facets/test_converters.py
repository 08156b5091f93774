"""Ids of every kind open by their link, whatever browsers and proxies do to paths on the way."""

import posixpath
import re
from urllib.parse import quote, unquote, urlsplit

import pytest
from django.urls import resolve, reverse
from hypothesis import example, given
from hypothesis import strategies as st

from facets.converters import entities_url, id_in_path

NASTY = [
    "42", "a/b", "/", "//", "a//b", "/leading", "trailing/", ".", "..", "...", "../..", "a/../b", "a/./b", "%2F", "%252F",
    "100%", "?", "a?b=c", "#", "a#b", "a;b=c", "a b", " leading", "trailing ", "  ", "é", "日本", "😀", "e\u0301", "~", "~2F",
    "~~", "\n", "a\nb", "\t", "\x00", "\x7f", "\x85", "\u2028", "\\", "a\\b", "..\\..", "+", "a+b", "&amp;", "<b>", "'\"",
    ":", "a:b", "@", "http://evil.example/", "//evil.example", "append", "entity", "L" * 2000, "😀" * 500, "",
]  # fmt: skip

texts = st.text(st.characters(exclude_categories=("Cs",)), max_size=60)


def through_a_browser(url: str) -> str:
    """What a server sees of a link: dot segments resolved, escaped or not, slashes merged, parameters cut."""
    assert re.fullmatch(r"[!-~]+", url), "a link is ASCII without spaces"
    parts = urlsplit(url)
    assert not parts.query
    assert not parts.fragment
    assert not parts.netloc
    path = re.sub(r"%2e", ".", parts.path, flags=re.IGNORECASE).replace("\\", "/")
    ends_with_slash = path.endswith("/")
    path = posixpath.normpath(path)
    path = re.sub(r"//+", "/", path) + ("/" if ends_with_slash and path != "/" else "")
    path = re.sub(r";[^/]*", "", path)
    return unquote(path, errors="strict")


@pytest.mark.parametrize("name", ["entity", "append", "recalculate"])
@pytest.mark.parametrize("entity_id", NASTY)
def test_every_id_opens_by_its_link(name, entity_id):
    match = resolve(through_a_browser(reverse(name, args=["BANK_ACCOUNT", entity_id])))

    assert match.url_name == name
    assert match.kwargs == {"facet": "BANK_ACCOUNT", "entity_id": entity_id}


@pytest.mark.parametrize("facet", NASTY)
def test_every_facet_opens_by_its_link(facet):
    match = resolve(through_a_browser(reverse("facet", args=[facet])))

    assert (match.url_name, match.kwargs) == ("facet", {"facet": facet})


@given(texts, texts)
@example("A/B", "c/../..")
def test_any_text_survives_the_way(facet, entity_id):
    match = resolve(through_a_browser(reverse("entity", args=[facet, entity_id])))

    assert match.kwargs == {"facet": facet, "entity_id": entity_id}


@pytest.mark.parametrize("entity_id", ["a/b", "a b", "a~b", "~2", "~ZZ", "~FF", "trailing/", "é"])
def test_an_id_typed_by_hand_opens_as_it_was_typed(entity_id):
    match = resolve(unquote(quote(f"/facets/BANK_ACCOUNT/entity/{entity_id}")))

    assert match.kwargs["entity_id"] == entity_id


@pytest.mark.parametrize("entity_id", NASTY)
def test_the_links_of_a_list_are_those_of_the_routes(entity_id):
    assert entities_url("A/B") + id_in_path(entity_id) == reverse("entity", args=["A/B", entity_id])


@given(texts, texts)
def test_the_links_of_a_list_are_those_of_the_routes_whatever_the_text(facet, entity_id):
    assert entities_url(facet) + id_in_path(entity_id) == reverse("entity", args=[facet, entity_id])
