"""What every answer tells the browser, and what a stranger gets."""

import pytest
from django.contrib.auth.models import User
from django.test import Client

from hdeadmin.middleware import HEADERS

# 200, redirect, 404, 405, a static file, a page of an error.
ANSWERS = ["/login/", "/", "/nope", "/theme/", "/static/hdeadmin.css", "/healthz", "/static/nope.css"]


@pytest.mark.parametrize("url", ANSWERS)
def test_every_answer_bears_the_headers(db: None, client: Client, url: str):
    response = client.get(url)
    response.close()

    for name in HEADERS:
        assert name in response.headers, (url, name)
    policy = response.headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert "data:" not in policy
    assert response.headers["X-Frame-Options" if url == "/login/" else "X-Content-Type-Options"]


def test_pages_are_not_kept_and_static_files_are(db: None, client: Client):
    assert client.get("/login/").headers["Cache-Control"] == (
        "max-age=0, no-cache, no-store, must-revalidate, private"
    )
    assert client.get("/").headers["Cache-Control"] == "no-store"
    sheet = client.get("/static/hdeadmin.css")
    sheet.close()
    assert "no-store" not in sheet.headers["Cache-Control"]


def test_a_stranger_at_an_address_that_does_not_exist_learns_no_facet(db: None, client: Client):
    response = client.get("/nope")

    assert response.status_code == 404
    assert "Bank accounts" not in response.text
    assert "BANK_ACCOUNT" not in response.text


def test_a_stranger_signs_in_and_goes_on_to_where_they_wanted(db: None, client: Client):
    User.objects.create_user("ada", password="correct horse battery")

    asked = client.get("/facets/ORDER/append/")
    wrong = client.post(asked.url, {"login": "ada", "password": "wrong", "next": "/facets/ORDER/append/"})
    right = client.post(
        asked.url, {"login": "ada", "password": "correct horse battery", "next": "/facets/ORDER/append/"}
    )

    assert asked.url == "/login/?next=/facets/ORDER/append/"
    assert "do not go together" in wrong.text
    assert 'value="ada"' in wrong.text
    assert "wrong" not in wrong.text.replace("went wrong", "")
    assert right.url == "/facets/ORDER/append/"


@pytest.mark.parametrize("elsewhere", ["https://evil.example/", "//evil.example/", "javascript:alert(1)"])
def test_signing_in_and_choosing_a_theme_lead_nowhere_else(db: None, client: Client, elsewhere: str):
    User.objects.create_user("ada", password="correct horse battery")

    signed_in = client.post(
        "/login/", {"login": "ada", "password": "correct horse battery", "next": elsewhere}
    )
    themed = client.post("/theme/", {"theme": "dark", "next": elsewhere})

    assert signed_in.url == "/"
    assert themed.url == "/"


def test_the_theme_is_kept_and_known_before_the_first_paint(db: None, client: Client):
    client.force_login(User.objects.create_user("ada"))

    response = client.post("/theme/", {"theme": "dark", "next": "/search/"})

    assert response.url == "/search/"
    assert '<html lang="en" data-theme="dark">' in client.get("/nope").text
    assert client.post("/theme/", {"theme": '"><script>'}).status_code == 400
    client.cookies["hdeadmin_theme"] = '"><script>'
    assert '<html lang="en" data-theme="system">' in client.get("/nope").text


def test_signing_out_takes_a_post(db: None, client: Client):
    client.force_login(User.objects.create_user("ada"))

    refused = client.get("/logout/")
    done = client.post("/logout/")

    assert refused.status_code == 405
    assert "This page does not take that" in refused.text
    assert done.url == "/login/"
    assert client.get("/").status_code == 302


def test_passwords_are_kept_by_argon2():
    import hdeadmin.settings

    assert hdeadmin.settings.PASSWORD_HASHERS[0].endswith("Argon2PasswordHasher")
