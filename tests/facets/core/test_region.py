"""A console that was not told its AWS region."""

import pytest

from facets.core.dynamodb import make_client
from facets.core.errors import StoreUnavailable


def test_without_a_region_the_store_is_unavailable_and_the_reason_names_the_setting(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for name in ("AWS_REGION", "AWS_DEFAULT_REGION", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_CONFIG_FILE", "/nonexistent")

    with pytest.raises(StoreUnavailable, match="AWS_REGION is not set"):
        make_client()
