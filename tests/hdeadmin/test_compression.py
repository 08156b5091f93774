"""Compressed answers, and those that must not be."""

import gzip
from typing import Any

import pytest
from django.test import Client


def ask(client: Client, site: str | None) -> Any:
    headers = {"Accept-Encoding": "gzip", **({"Sec-Fetch-Site": site} if site else {})}
    return client.get("/login/", headers=headers)


@pytest.mark.parametrize("site", [None, "none", "same-origin"])
def test_what_a_person_asks_for_is_compressed(client: Client, db: None, site: str | None):
    response = ask(client, site)

    assert response.headers["Content-Encoding"] == "gzip"
    assert b"<!doctype html>" in gzip.decompress(response.content)
    assert "Accept-Encoding" in response.headers["Vary"]


@pytest.mark.parametrize("site", ["cross-site", "same-site", "something new"])
def test_what_another_site_makes_a_browser_ask_for_is_not(client: Client, db: None, site: str):
    response = ask(client, site)

    assert "Content-Encoding" not in response.headers
    assert b"<!doctype html>" in response.content
