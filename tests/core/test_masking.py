"""What is shown of a configuration: no secret, wherever it came from."""

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated

import pytest
from pydantic import AfterValidator, BaseModel, SecretStr, ValidationError

from interlock.filling import Filler
from interlock.masking import Secret, hidden, masked, shown
from interlock.options import OptionsError


def _refuse(value: str) -> str:
    raise ValueError(f"{value} is no server")


class Options(BaseModel):
    server: Annotated[str, AfterValidator(_refuse)] | None = None
    password: SecretStr | None = None
    token: SecretStr = SecretStr("")
    user: str = ""


@pytest.mark.parametrize(
    ("url", "is_shown_as"),
    [
        ("redis://app:hunter2@cache:6379/0", "redis://app:***@cache:6379/0"),
        ("redis://:hunter2@cache", "redis://:***@cache"),
        ("db://app:hun/ter@2@db/app", "db://app:***@db/app"),
        ("db://db/app?user=a&password=hunter2&x=1", "db://db/app?user=a&password=***&x=1"),
        ("db://db/app?sslPassword=hunter2", "db://db/app?sslPassword=***"),
        ("postgresql+asyncpg://app@db/app", "postgresql+asyncpg://app@db/app"),
        ("redis+sentinel://one:1,two:2/service", "redis+sentinel://one:1,two:2/service"),
        ("sqlite:////var/lib/bank.db", "sqlite:////var/lib/bank.db"),
    ],
)
def test_a_password_in_a_url_is_not_shown(url: str, is_shown_as: str) -> None:
    assert shown({"nested": {"urls": [url]}}) == {"nested": {"urls": [is_shown_as]}}


def test_a_default_that_stands_in_the_file_is_shown(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOST", "cache-1")
    monkeypatch.delenv("PORT", raising=False)
    filled = Filler(tmp_path, str, []).filled({"server": "${HOST:-localhost}:${PORT:-11211}"})
    assert filled == {"server": "cache-1:11211"}
    assert shown(filled) == {"server": "***:11211"}


@pytest.mark.parametrize("name", ["password", "token"])
def test_an_option_declared_secret_is_masked_even_if_it_stands_in_the_file(name: str) -> None:
    options = hidden({name: "hunter2", "user": "app"}, Options)
    assert shown(options) == {name: "***", "user": "app"}
    assert options == {name: "hunter2", "user": "app"}


@pytest.mark.parametrize("secret", [{"server": Secret("hunter2")}, {"password": Secret("hunter2")}])
def test_a_validators_message_shows_no_secret(secret: Mapping[str, str]) -> None:
    with pytest.raises(ValidationError) as caught:
        Options.model_validate({**secret, "server": Secret("hunter2")})
    assert "*** is no server" in str(OptionsError("it", caught.value))
    assert "hunter2" not in str(OptionsError("it", caught.value))


def test_secrets_are_found_all_the_way_down() -> None:
    options = {"urls": [{"url": Secret("db://app:hunter2@db", "db://app:***@db")}], "n": 1}
    told = masked("can't reach db://app:hunter2@db", options)
    assert told == "can't reach db://app:***@db"
