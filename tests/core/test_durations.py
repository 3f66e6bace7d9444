"""Durations as texts."""

from datetime import timedelta

import pytest

from interlock._plugins.durations import duration_text, parse_duration


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("250ms", timedelta(milliseconds=250)),
        ("5s", timedelta(seconds=5)),
        ("1h30m", timedelta(minutes=90)),
        ("30d", timedelta(days=30)),
        ("0.5s", timedelta(seconds=0.5)),
    ],
)
def test_durations(text: str, wanted: timedelta) -> None:
    assert parse_duration(text) == wanted
    assert parse_duration(duration_text(wanted)) == wanted


@pytest.mark.parametrize("value", ["soon", "5", "5 s", "-5s", 5, None])
def test_what_is_no_duration_is_left_to_pydantic(value: object) -> None:
    assert parse_duration(value) == value
