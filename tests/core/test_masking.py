"""What is shown of a configuration: no secret, wherever it came from, on whichever way out."""

import logging
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import pytest
from pydantic import (
    AfterValidator,
    BaseModel,
    Field,
    RootModel,
    SecretBytes,
    SecretStr,
    ValidationError,
)
from pydantic import Secret as SecretValue
from typing_extensions import TypedDict

from interlock._config.filling import Filler
from interlock._config.reader import load_settings
from interlock._engine.reporting import Reporting
from interlock._plugins.options import OptionsError
from interlock._plugins.problems import Problems
from interlock._values.masking import Masking, Secret, brief, shown
from interlock.application import backend
from site_packages import Site, site_in


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Site]:
    monkeypatch.chdir(tmp_path)
    with site_in(tmp_path, monkeypatch) as site:
        yield site


def _refuse(value: str) -> str:
    raise ValueError(f"{value} is no server")


class Options(BaseModel):
    server: Annotated[str, AfterValidator(_refuse)] | None = None
    password: SecretStr | None = None
    pin: Annotated[SecretStr, Field(max_length=3)] = SecretStr("")
    user: str = ""


class Inner(BaseModel):
    door: SecretStr
    open: str = ""


@dataclass
class Plain:
    door: SecretStr


class Typed(TypedDict):
    door: SecretBytes


class Several(RootModel[list[SecretStr]]):
    """A list."""


class Deep(BaseModel):
    optional: SecretStr | None = None
    listed: list[SecretStr] = []
    pair: tuple[str, SecretStr] | None = None
    by_name: dict[str, SecretBytes] = {}
    inner: Inner | None = None
    inners: Annotated[list[Annotated[Inner, Field()]], Field()] = []
    plain: Plain | None = None
    typed: Typed | None = None
    root: Several | None = None
    number: SecretValue[int] = SecretValue(0)
    renamed: SecretStr = Field(SecretStr(""), alias="re-named")
    open: str = ""


@pytest.mark.parametrize(
    ("url", "is_shown_as"),
    [
        ("redis://app:hunter2@cache:6379/0", "redis://app:***@cache:6379/0"),
        ("redis://:hunter2@cache", "redis://:***@cache"),
        ("db://app:hun/ter@2@db/app", "db://app:***@db/app"),
        ("db://app:a:b@db/app", "db://app:***@db/app"),
        ("db://app:a?b#c@db/app", "db://app:***@db/app"),
        ("db://db/app?user=a&password=hunter2&x=1", "db://db/app?user=a&password=***&x=1"),
        ("db://db/app?sslPassword=hunter2", "db://db/app?sslPassword=***"),
        ("db://db/app?sslpassword=hunter2", "db://db/app?sslpassword=***"),
        ("db://db/app?api_key=hunter2", "db://db/app?api_key=***"),
        ("db://db/app?x=1&auth=hunter2", "db://db/app?x=1&auth=***"),
        ("db://db/app?sig=hunter2;x=1", "db://db/app?sig=***;x=1"),
        ("https://db/app?X-Amz-Signature=hunter2", "https://db/app?X-Amz-Signature=***"),
        ("db://db/app#access_token=hunter2", "db://db/app#access_token=***"),
        ("host=db password=hunter2 user=app", "host=db password=*** user=app"),
        ("app:hunter2@cache:11211", "app:***@cache:11211"),
        ("postgresql+asyncpg://app@db/app", "postgresql+asyncpg://app@db/app"),
        ("redis+sentinel://one:1,two:2/service", "redis+sentinel://one:1,two:2/service"),
        ("sqlite:////var/lib/bank.db", "sqlite:////var/lib/bank.db"),
        ("sqlite:///C:/data/a@b.db", "sqlite:///C:/data/a@b.db"),
        ("db://db/app?sslkey_file=a.pem&monkey=b", "db://db/app?sslkey_file=a.pem&monkey=b"),
        ("at 10:20 by me@home", "at 10:20 by me@home"),
    ],
)
def test_a_password_in_a_url_is_not_shown(url: str, is_shown_as: str) -> None:
    assert shown({"nested": {"urls": [url]}}) == {"nested": {"urls": [is_shown_as]}}


def test_a_default_that_stands_in_the_file_is_shown(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOST", "cache-1")
    monkeypatch.delenv("PORT", raising=False)
    filled = Filler(tmp_path, str, Problems()).filled(
        {"server": "${HOST:-localhost}:${PORT:-11211}"}
    )
    assert filled == {"server": "cache-1:11211"}
    assert shown(filled) == {"server": "***:11211"}


@pytest.mark.parametrize("name", ["password", "pin"])
def test_an_option_declared_secret_is_masked_even_if_it_stands_in_the_file(name: str) -> None:
    options = {name: "hunter2", "user": "app"}
    assert shown(options, Options) == {name: "***", "user": "app"}


@pytest.mark.parametrize(
    "options",
    [
        {"optional": "hunter2"},
        {"listed": ["hunter2"]},
        {"pair": ["a", "hunter2"]},
        {"by_name": {"a": "hunter2"}},
        {"inner": {"door": "hunter2"}},
        {"inners": [{"door": "hunter2"}]},
        {"plain": {"door": "hunter2"}},
        {"typed": {"door": b"hunter2"}},
        {"root": ["hunter2"]},
        {"number": "hunter2"},
        {"re-named": "hunter2"},
        {"optional": SecretStr("hunter2")},
        {"optional": {"not": ["a", "hunter2"]}},
        {"unknown": {"client_secret": "hunter2"}},
        {"authToken": "hunter2"},
    ],
)
def test_a_secret_is_found_wherever_the_model_has_it(options: dict[str, Any]) -> None:
    assert "hunter2" not in repr(shown({**options, "open": "seen"}, Deep))
    assert shown({**options, "open": "seen"}, Deep)["open"] == "seen"
    assert Masking().learn(options, Deep).text("hunter2 is wrong") == "*** is wrong"


def test_what_only_sounds_secret_is_shown() -> None:
    options = {"token_bucket": 5, "key_prefix": "il", "password_file": "/run/pw", "bypass": "x"}
    assert shown(options) == options


@pytest.mark.parametrize("secret", [{"server": Secret("hunter2")}, {"password": Secret("hunter2")}])
def test_a_validators_message_shows_no_secret(secret: Mapping[str, str]) -> None:
    options = {**secret, "server": Secret("hunter2")}
    with pytest.raises(ValidationError) as caught:
        Options.model_validate(options)
    told = str(OptionsError("it", caught.value, options, Options))
    assert "*** is no server" in told
    assert "hunter2" not in told


def test_a_value_that_does_not_fit_is_shown_unless_it_is_secret() -> None:
    options = {"pin": "hunter2", "server": "app:hunter2@cache", "user": ["app"]}
    with pytest.raises(ValidationError) as caught:
        Options.model_validate(options)
    told = str(OptionsError("it", caught.value, options, Options))
    assert "hunter2" not in told
    assert "pin: Value should have at most 3 items" in told
    assert "app:***@cache is no server, found 'app:***@cache'" in told


@pytest.mark.parametrize(
    "form", [str, repr, "{}".format, "{!r:>20}".format, "%s".__mod__, "{0:s}".format]
)
def test_what_came_from_elsewhere_is_masked_however_it_is_formatted(form: Any) -> None:
    secret = Secret("db://app:hunter2@db", "db://app:***@db", ["hunter2"])
    assert "hunter2" not in form(secret)
    assert "db://app:***@db" in form(secret)


def test_code_that_shows_what_it_gave_shows_no_password() -> None:
    given = backend(
        "acme", url="db://app:hunter2@db", pin="hunter2", size=5, flags={"a": "hunter2"}
    )
    assert repr(given) == f"{given}" == "backend('acme', url=..., pin=..., size=5, flags=...)"


def test_settings_show_no_text_of_an_option(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SPACE", "hunter2")
    (site.folder / "interlock.toml").write_text(
        'schema = 1\n[application]\nnamespace = "${SPACE}"\n'
        '[cache_backends.hot]\nbackend = "memory-cache"\n'
    )
    settings = load_settings()
    assert settings.application.namespace == "hunter2"
    assert "hunter2" not in f"{settings} {settings!r} {settings.table}"
    assert "backend('memory-cache')" in repr(settings)


def test_a_text_tells_no_part_of_a_secret_in_any_spelling() -> None:
    options = {"urls": [{"url": "db://app:a%40b%2Fhunter2@db"}], "pin": "12", "n": 1}
    masking = Masking().learn(options, Options)
    assert masking.text("no db://app:a%40b%2Fhunter2@db") == "no db://app:***@db"
    assert masking.text("a@b/hunter2 is wrong") == "*** is wrong"
    assert masking.text("pin 12 of 3125") == "pin *** of 3125"
    assert masking.text("other://app:pw@db?token=x fails") == "other://app:***@db?token=*** fails"


def test_the_host_of_a_url_from_elsewhere_may_be_told() -> None:
    url = Secret("db://app:hunter2@db-1/bank", "db://app:***@***/bank", ["hunter2", "db-1"])
    masking = Masking().learn({"url": url})
    assert masking.text("db-1 refused hunter2") == "db-1 refused ***"


def test_a_secret_that_is_no_text_is_masked_as_well() -> None:
    secret = "hunter\udcff2"  # noqa: S105 # none
    masking = Masking().learn({"password": secret})
    assert masking.text(f"{secret} is wrong, hunter%ED%B3%BF2 too") == "*** is wrong, *** too"


def test_what_is_logged_of_a_failure_tells_no_secret(caplog: pytest.LogCaptureFixture) -> None:
    reporting = Reporting(masking=Masking().learn({"password": "hunter2"}))
    with caplog.at_level(logging.WARNING, "interlock"):
        reporting.failed("cache.failed", ValueError("hunter2 is wrong"))
    assert caplog.messages == ["cache.failed: *** is wrong"]


def test_a_value_in_a_message_is_short() -> None:
    assert brief({"a": "hunter2"}) == "a table"
    assert brief(["hunter2"]) == "an array"
    assert len(brief("x" * 1_000)) < 100
    assert brief("app:hunter2@cache") == "'app:***@cache'"
