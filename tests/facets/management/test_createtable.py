"""manage.py createtable."""

import io
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from facets.core.sqlite import SqliteTable


def run() -> str:
    out = io.StringIO()
    call_command("createtable", stdout=out)
    return out.getvalue()


def test_it_makes_the_file_with_its_folder_and_says_so(tmp_path: Path, settings: Any) -> None:
    path = tmp_path / "new" / "ledger.sqlite3"
    settings.HDEADMIN_STORE = f"sqlite:{path}"

    assert run() == f"Made the SQLite file {path}.\n"
    assert SqliteTable(path).is_empty()


def test_a_second_call_changes_nothing_and_says_so(tmp_path: Path, settings: Any) -> None:
    settings.HDEADMIN_STORE = f"sqlite:{tmp_path / 'ledger.sqlite3'}"
    run()

    assert "is there already" in run()


def test_what_cannot_be_made_is_named(tmp_path: Path, settings: Any) -> None:
    (tmp_path / "file").touch()
    settings.HDEADMIN_STORE = f"sqlite:{tmp_path / 'file' / 'ledger.sqlite3'}"

    with pytest.raises(CommandError, match=r"sqlite:.*file/ledger\.sqlite3: "):
        run()
