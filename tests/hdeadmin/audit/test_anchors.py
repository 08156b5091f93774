"""Anchors that are kept elsewhere tell what was cut off the trail's end."""

from collections.abc import Iterator
from io import StringIO
from pathlib import Path

import boto3
import pytest
from django.core.management import CommandError, call_command
from moto import mock_aws
from pytest_django import Settings

from hdeadmin.audit import log
from hdeadmin.audit.models import AuditEntry, ChainHead
from tests.hdeadmin.audit.test_verify import run_audit_verify
from tests.hdeadmin.audit.unguarded import drop_triggers

pytestmark = pytest.mark.django_db


@pytest.fixture
def place(tmp_path: Path, settings: Settings) -> Path:
    """Where anchors go; their key is made."""
    call_command("audit_anchor", "--make-key", tmp_path / "key.pem", stdout=StringIO())
    settings.HDEADMIN_AUDIT_SIGNING_KEY = str(tmp_path / "key.pem")
    settings.HDEADMIN_AUDIT_ANCHORS = str(tmp_path / "anchors.jsonl")
    return tmp_path / "anchors.jsonl"


def anchor(*arguments: str) -> str:
    out = StringIO()
    call_command("audit_anchor", *arguments, stdout=out)
    return out.getvalue()


def cut(to: int) -> None:
    """The trail as who owns the database would have it: its end is gone, and its head knows nothing of it."""
    drop_triggers()
    AuditEntry.objects.filter(number__gt=to).delete()
    ChainHead.objects.update(number=to, mac=AuditEntry.objects.get(number=to).mac)
    call_command(
        "audit_verify", "--restore-triggers", "--anchors", "/dev/null", stdout=StringIO(), stderr=StringIO()
    )


def test_a_key_is_for_its_owners_eyes_and_never_overwritten(place: Path):
    key = place.parent / "key.pem"

    assert key.stat().st_mode & 0o077 == 0
    with pytest.raises(CommandError, match="File exists"):
        call_command("audit_anchor", "--make-key", key)


def test_anchors_are_added_and_verified(place: Path):
    log.record("sign-in")
    assert anchor() == f"Entry 1 is anchored in {place}.\n"
    assert "1 anchor, the last of entry 1: good." in run_audit_verify()[1]
    log.record("sign-in")
    anchor()

    assert "2 anchors, the last of entry 3: good." in run_audit_verify()[1]
    assert "good" in run_audit_verify("--public-key", str(place.parent / "key.pem.pub"))[1]


def test_an_end_that_was_cut_off_with_its_head_is_missed(place: Path):
    for _ in range(5):
        log.record("sign-in")
    anchor()
    cut(3)

    code, said = run_audit_verify()

    # What was verified since stands in the place of entry 4.
    assert code == 3
    assert "Entry 5: missing; there were 5 entries" in said


def test_a_history_that_was_written_anew_is_found_out(place: Path, settings: Settings):
    for _ in range(3):
        log.record("sign-in")
    anchor()
    cut(1)
    for _ in range(3):
        log.record("sign-out")

    code, said = run_audit_verify()

    assert code == 3
    assert "Entry 3: it is not the entry that the anchor" in said


def test_an_anchor_of_anothers_making_is_none(place: Path, tmp_path: Path):
    log.record("sign-in")
    place.write_text(anchor("-").replace('"number": 1', '"number": 2'))
    log.record("sign-in")

    code, said = run_audit_verify()

    assert code == 3
    assert "is not signed by this key" in said


def test_what_is_no_file_of_anchors_is_named(place: Path):
    log.record("sign-in")
    place.write_text("{}\n")

    assert "not an anchor of an audit trail" in run_audit_verify()[1]


def test_without_a_key_or_a_place_it_says_what_to_do(settings: Settings):
    with pytest.raises(CommandError, match="--make-key makes one"):
        anchor()


@pytest.fixture
def bucket(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    monkeypatch.delenv("AWS_ENDPOINT_URL")
    monkeypatch.setenv("AWS_REGION", "us-east-1")
    with mock_aws():
        boto3.client("s3", region_name="us-east-1").create_bucket(Bucket="kept")
        yield "s3://kept/audit"


def test_anchors_in_a_bucket(place: Path, bucket: str, settings: Settings):
    settings.HDEADMIN_AUDIT_ANCHORS = bucket
    for _ in range(2):
        log.record("sign-in")
        assert anchor().startswith("Entry")

    assert "2 anchors, the last of entry 2: good." in run_audit_verify()[1]
    with pytest.raises(CommandError, match="NoSuchBucket"):
        anchor("s3://not-there/x")
