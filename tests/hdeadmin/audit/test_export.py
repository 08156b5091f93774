"""An export is verified without the database; a spreadsheet runs nothing of it."""

import csv
import io
import json
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command
from hypothesis import HealthCheck, given, settings, strategies
from pytest_django import Settings

from hdeadmin.audit import export, log
from hdeadmin.audit.export import NotAnExport
from hdeadmin.audit.models import AuditEntry
from tests.hdeadmin.audit.test_anchors import place  # noqa: F401 - a fixture
from tests.hdeadmin.audit.test_verify import run_audit_verify

pytestmark = pytest.mark.django_db


@pytest.fixture
def file(tmp_path: Path) -> Path:
    for number in range(5):
        log.record("append", user="ann", facet="ORDER", entity=f"o-{number}", reason="Line\u2028\nbreaks")
    log.record("sign-in", user="bob")
    call_command("audit_export", tmp_path / "trail.jsonl")
    return tmp_path / "trail.jsonl"


def lines(file: Path) -> list[str]:
    return file.read_text().splitlines(keepends=True)


def test_the_whole_trail_is_exported_and_verified(file: Path):
    code, said = run_audit_verify("--file", str(file))

    assert code == 0
    assert "7 entries, 1 to 7: the manifest, the links and 7 seals are good." in said
    assert "No entry is left out" in said
    assert json.loads(lines(file)[-2])["action"] == "export"


def test_who_has_no_audit_key_has_the_links_and_the_manifest(file: Path):
    checked = export.check_file(file)

    assert (checked.entries, checked.sealed, checked.fault) == (7, 0, None)


def test_a_selection_says_that_it_is_one(file: Path, tmp_path: Path):
    call_command("audit_export", tmp_path / "some.jsonl", "--person", "ann", "--entity", "o-3")

    assert len(lines(tmp_path / "some.jsonl")) == 3
    call_command("audit_export", tmp_path / "more.jsonl", "--facet", "ORDER")
    assert "It is a selection" in run_audit_verify("--file", str(tmp_path / "more.jsonl"))[1]


@pytest.mark.parametrize(
    ("spoil", "says"),
    [
        (lambda text: text.replace('"bob"', '"eve"'), "Entry 6: altered"),
        (lambda text: "".join(text.splitlines(keepends=True)[:-1]), "no manifest"),
        (lambda text: text[:-20], "cut short"),
        (lambda text: text.replace(text.splitlines(keepends=True)[2], ""), "not the one that its manifest"),
        (lambda text: text + "{}\n", "nothing after the manifest"),
        (lambda text: "{}\n", "does not say"),
        (lambda text: text.replace('"by":"manage', '"by":"anybody'), "not the one that its manifest"),
    ],
)
def test_a_file_that_was_altered_is_found_out(file: Path, spoil, says: str):
    file.write_text(spoil(file.read_text()))

    code, said = run_audit_verify("--file", str(file))

    assert code == 3
    assert says in said


def test_a_signed_manifest_is_trusted_by_the_public_key_alone(place: Path, file: Path, settings: Settings):  # noqa: F811
    public = str(place.parent / "key.pem.pub")
    settings.HDEADMIN_AUDIT_KEY = "another deployment's key " * 3

    assert "0 of 7 seals" in run_audit_verify("--file", str(file), "--public-key", public)[1]
    call_command("audit_anchor", "--make-key", place.parent / "other.pem", stdout=io.StringIO())
    code, said = run_audit_verify("--file", str(file), "--public-key", str(place.parent / "other.pem.pub"))
    assert (code, "not signed by this key" in said) == (3, True)


def test_an_export_that_cannot_be_recorded_is_not_made(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    def refuse(*args, **kwargs):
        raise log.AuditUnavailable("disk full")

    monkeypatch.setattr(log, "record", refuse)

    with pytest.raises(CommandError, match="Nothing was exported"):
        call_command("audit_export", tmp_path / "trail.jsonl")
    assert not (tmp_path / "trail.jsonl").exists()


@given(text=strategies.text(strategies.characters(exclude_categories=()), max_size=40))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=40)
def test_any_text_goes_through_an_export_and_no_cell_is_a_formula(tmp_path: Path, text: str):
    entry = log.record("append", user=text, entity=text, reason=text, details={"": text})
    entries = AuditEntry.objects.filter(number=entry.number)

    written = "".join(export.as_json_lines(entries, asked={}, by=text, key=None))
    (tmp_path / "one.jsonl").write_text(written)
    assert export.check_file(tmp_path / "one.jsonl", keys=log.keys()).fault is None
    row = json.loads(written.split("\n")[1])
    assert (row["person"], row["entity"], row["reason"]) == (text,) * 3

    table = list(csv.reader(io.StringIO("".join(export.as_csv(entries)), newline="")))
    assert len(table) == 2
    assert not any(cell.lstrip().startswith(("=", "+", "-", "@")) for cell in table[1])


@pytest.mark.parametrize("start", ["=", "+", "-", "@", "\t", "\r", "＝"])
def test_what_a_spreadsheet_would_run_is_text(start: str):
    log.record("append", reason=f"{start}cmd|' /C calc'!A0")

    row = "".join(export.as_csv(AuditEntry.objects.all()))

    assert f"'{start}cmd" in row


def test_what_is_no_export_is_named(tmp_path: Path):
    (tmp_path / "other").write_text("é\n", encoding="utf-8")

    with pytest.raises(NotAnExport):
        export.check_file(tmp_path / "other")
