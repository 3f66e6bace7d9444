import subprocess
import sys

import pytest
from pydantic import ValidationError

from interlock_redis_cache.address import Address, Mode
from interlock_redis_cache.config import RedisConfig
from interlock_redis_cache.plugin import interlock_register_backends


def test_the_plugin_registers_the_backend_and_imports_no_driver() -> None:
    (spec,) = interlock_register_backends()
    assert spec.name == "redis-cache"
    code = (
        "import sys, interlock_redis_cache.plugin, interlock_redis_cache.config;"
        "sys.exit('redis' in sys.modules)"
    )
    result = subprocess.run([sys.executable, "-c", code], check=False)  # noqa: S603 # our own
    assert result.returncode == 0


@pytest.mark.parametrize(
    ("url", "address"),
    [
        ("redis://h", Address(Mode.SINGLE, False, (("h", 6379),))),
        ("rediss://h:1/7", Address(Mode.SINGLE, True, (("h", 1),), db=7)),
        ("redis://[::1]:9", Address(Mode.SINGLE, False, (("::1", 9),))),
        (
            "redis://u:p%40%2F%3A@h/0",
            Address(Mode.SINGLE, False, (("h", 6379),), username="u", password="p@/:"),  # noqa: S106 # an example
        ),
        ("redis://:p@h", Address(Mode.SINGLE, False, (("h", 6379),), password="p")),  # noqa: S106 # as above
        (
            "redis+sentinel://a,b:2/my%20service/3",
            Address(Mode.SENTINEL, False, (("a", 26379), ("b", 2)), "my service", 3),
        ),
        ("rediss+cluster://a:1,[::2]", Address(Mode.CLUSTER, True, (("a", 1), ("::2", 6379)))),
    ],
)
def test_urls(url: str, address: Address) -> None:
    assert RedisConfig(url=url).address == address


@pytest.mark.parametrize(
    "url",
    [
        "",
        "h:6379",
        "http://h",
        "redis://",
        "redis://:6379",
        "redis://s3cret@",
        "redis://a,b",
        "redis://h:0",
        "redis://h:65536",
        "redis://h:s3cret",
        "redis://u:s3cret/with:slash@h",
        "redis://u:s3cret@h/x",
        "redis://u:s3cret@h/0?ssl_cert_reqs=none",
        "redis://u:s3cret#1@h",
        "redis+sentinel://u:a@s3cret/x@h",
        "redis+sentinel:///bank",
        "redis+sentinel://h",
        "redis+cluster://,",
        "redis+cluster://h/1",
    ],
)
def test_a_url_that_does_not_read_is_refused_and_not_shown(url: str) -> None:
    with pytest.raises(ValidationError) as caught:
        RedisConfig(url=url)
    assert "s3cret" not in str(caught.value)


@pytest.mark.parametrize(
    "options",
    [
        {"ttl": 0},
        {"ttl": "-1s"},
        {"ttl": None},
        {"jitter": 1},
        {"jitter": -0.1},
        {"timeout": 0},
        {"timeout": "1s", "connect_timeout": "2s"},
        {"max_connections": 0},
        {"max_value_size": 2**30},
        {"heartbeat": 0},
        {"servers": []},
        {"ssl_check_hostname": False},
        {"url": "rediss://h", "ssl_certfile": __file__},
        {"url": "rediss://h", "ssl_ca_certs": "/nowhere"},
        {"url": "redis://u@h", "username": "u"},
        {"url": "redis://:p@h", "password": "p"},
    ],
)
def test_nonsense_is_refused(options: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        RedisConfig.model_validate(options)


def test_no_password_is_shown() -> None:
    for config in (
        RedisConfig(url="redis://u:s3cret@h"),
        RedisConfig.model_validate({"password": "s3cret", "sentinel_password": "s3cret"}),
    ):
        assert "s3cret" not in f"{config!r} {config} {config.address!r}"
        assert config.user[1] == "s3cret"
