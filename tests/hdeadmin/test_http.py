"""Whom limits and the audit trail take a request to come from."""

import pytest
from django.test import RequestFactory
from pytest_django import Settings

from hdeadmin.http import client_address


def seen(settings: Settings, proxies: int, forwarded: str | None, connection: str = "192.0.2.1") -> str:
    settings.HDEADMIN_PROXY_COUNT = proxies
    headers = {} if forwarded is None else {"X-Forwarded-For": forwarded}
    return client_address(RequestFactory().get("/", REMOTE_ADDR=connection, headers=headers))


@pytest.mark.parametrize("forwarded", [None, "203.0.113.9", "203.0.113.9, 198.51.100.7", "<script>"])
def test_without_a_proxy_of_ours_the_header_says_nothing(settings: Settings, forwarded: str | None):
    assert seen(settings, 0, forwarded) == "192.0.2.1"


def test_our_proxies_are_believed_and_nobody_before_them(settings: Settings):
    assert seen(settings, 1, "203.0.113.9") == "203.0.113.9"
    assert seen(settings, 1, "10.0.0.1, 203.0.113.9") == "203.0.113.9"
    assert seen(settings, 2, "10.0.0.1, 203.0.113.9, 198.51.100.7") == "203.0.113.9"


@pytest.mark.parametrize("forwarded", [None, "", "203.0.113.9", "unknown, 198.51.100.7", "1.2.3.4.5, ::1"])
def test_a_header_that_our_proxies_did_not_write_leaves_the_connection(
    settings: Settings, forwarded: str | None
):
    assert seen(settings, 2, forwarded) == "192.0.2.1"


def test_an_address_has_one_form(settings: Settings):
    assert seen(settings, 1, "203.0.113.9:4711") == "203.0.113.9"
    assert seen(settings, 1, "[2001:DB8::1]:443") == "2001:db8::1"
    assert seen(settings, 1, "2001:0db8:0:0::1") == "2001:db8::1"
    assert seen(settings, 0, None, connection="fe80::1%<script>") == "fe80::1"
    assert seen(settings, 0, None, connection="") == "0.0.0.0"  # noqa: S104 - nothing listens there
