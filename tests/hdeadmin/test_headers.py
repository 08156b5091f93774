"""What every answer tells the browser: of each status, of files, and where no view is reached."""

import re
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import time_machine
from django.contrib.auth.models import User
from django.http import HttpRequest, HttpResponse
from django.test import Client
from django.urls import path
from pytest_django import Settings

from facets.conf import current_table
from facets.core import InvalidRecord, StoreUnavailable
from facets.core.store import Table
from hdeadmin import urls
from hdeadmin.middleware import HEADERS

ANSWERS: dict[str, tuple[int, Callable[[Client], Any]]] = {
    "a page": (200, lambda client: client.get("/")),
    "a file": (200, lambda client: client.get("/static/hdeadmin.css")),
    "a file as it is written": (200, lambda client: client.post("/audit/export", {"format": "csv"})),
    "a probe": (200, lambda client: client.get("/healthz")),
    "a redirect": (302, lambda client: client.post("/theme/", {"theme": "dark"})),
    "a form that is none of ours": (403, lambda client: Client(enforce_csrf_checks=True).post("/theme/")),
    "a value that is none": (400, lambda client: client.post("/theme/", {"theme": "x"})),
    "a host that is not ours": (400, lambda client: client.get("/", headers={"Host": "evil.example"})),
    "no page": (404, lambda client: client.get("/nope")),
    "no file": (404, lambda client: client.get("/static/nope.css")),
    "no such method": (405, lambda client: client.get("/theme/")),
    "too much": (413, lambda client: client.post("/theme/", {"theme": "x" * 300})),
    "too often": (429, lambda client: [client.get("/search/") for _ in range(61)][-1]),
    "a record that cannot be read": (502, lambda client: client.get("/unreadable")),
    "a fault": (500, lambda client: client.get("/fault")),
    "no table": (503, lambda client: client.get("/unreachable")),
}


@pytest.fixture
def ledger(settings: Settings, tmp_path: Path) -> Table:
    settings.HDEADMIN_STORE = f"sqlite:{tmp_path / 'ledger.sqlite3'}"
    current_table().create()
    return current_table()


@pytest.fixture
def failing_views(settings: Settings) -> None:
    """The console's addresses, and some that do nothing but fail."""

    def raising(error: Exception) -> Callable[[HttpRequest], HttpResponse]:
        def view(request: HttpRequest) -> HttpResponse:
            raise error

        return view

    module = ModuleType("failing_urls")
    vars(module).update({name: value for name, value in vars(urls).items() if name.startswith("handler")})
    module.urlpatterns = [
        path("fault", raising(RuntimeError("hunter2"))),
        path("unreadable", raising(InvalidRecord("hunter2"))),
        path("unreachable", raising(StoreUnavailable("hunter2"))),
        *urls.urlpatterns,
    ]
    settings.ROOT_URLCONF = module


@pytest.fixture
def signed_in(db: None, client: Client) -> Client:
    client.force_login(User.objects.create_superuser("root"))
    client.raise_request_exception = False
    return client


def test_no_other_site_may_read_an_answer(signed_in: Client, ledger: Table):
    for url in ("/", "/static/hdeadmin.css", "/nope"):
        response = signed_in.get(url, headers={"Origin": "https://evil.example"})
        response.close()
        assert not [name for name in response.headers if name.startswith("Access-Control-")]


@pytest.mark.parametrize(
    ("url", "kind"),
    [
        ("/", "text/html; charset=utf-8"),
        ("/nope", "text/html; charset=utf-8"),
        ("/static/hdeadmin.css", 'text/css; charset="utf-8"'),
        ("/static/hdeadmin.js", 'text/javascript; charset="utf-8"'),
        ("/healthz", "text/plain; charset=utf-8"),
        ("/readyz", "application/json"),
    ],
)
def test_an_answer_says_what_it_is_and_in_which_characters(
    signed_in: Client, ledger: Table, url: str, kind: str
):
    response = signed_in.get(url)
    response.close()

    assert response.headers["Content-Type"] == kind


def test_pages_go_to_https_and_probes_are_answered(db: None, settings: Settings, ledger: Table):
    settings.SECURE_SSL_REDIRECT = True
    client = Client()

    assert client.get("/login/").headers["Location"] == "https://testserver/login/"
    assert client.get("/healthz").status_code == client.get("/readyz").status_code == 200


def test_no_folder_is_listed_and_nobody_is_told_what_they_sent(signed_in: Client, ledger: Table):
    assert signed_in.get("/static/").status_code == 404
    traced = signed_in.trace("/", headers={"X-Mine": "hunter2"})
    assert traced.status_code == 405
    assert "hunter2" not in traced.text


def test_no_script_keeps_anything_in_the_browser_but_choices():
    kept = re.compile(r"(?:localStorage|sessionStorage|indexedDB|caches|document\.cookie)\b.*")
    found = [
        line for script in Path("static").glob("*.js") for line in kept.findall(script.read_text("utf-8"))
    ]

    # The theme, and whether keys do something.
    assert [line for line in found if "hdeadmin_theme=" not in line and "Item(OFF" not in line] == []


@pytest.mark.parametrize("name", ANSWERS)
def test_every_answer_bears_the_headers(
    signed_in: Client, settings: Settings, ledger: Table, failing_views: None, name: str
):
    status, ask = ANSWERS[name]
    settings.SECURE_HSTS_SECONDS = 3600
    signed_in.defaults["wsgi.url_scheme"] = "https"
    if status == 413:
        settings.DATA_UPLOAD_MAX_MEMORY_SIZE = 200

    # On a busy machine, 61 requests may take longer than the minute in which they are too many.
    with time_machine.travel(datetime.now(UTC), tick=False):
        response = ask(signed_in)
    response.close()

    assert response.status_code == status
    missing = {*HEADERS, "X-Request-ID"} - set(response.headers)
    assert missing == set()
    if response.wsgi_request.is_secure():
        assert response.headers["Strict-Transport-Security"] == "max-age=3600; includeSubDomains"
    if status >= 400:
        assert response.headers["X-Request-ID"] in response.text
        assert "hunter2" not in response.text or status == 502
    policy = response.headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert not {"unsafe", "data:", "*"} & set(policy.replace("'", " ").replace(";", " ").split())
    assert ("no-store" in response.headers["Cache-Control"]) == (name != "a file")
