import subprocess
import sys
from pathlib import Path

import pytest
from pydantic import ValidationError

from interlock.backends import ConfigurationError
from interlock_memcached_cache.backend import MemcachedAggregateCacheBackend
from interlock_memcached_cache.config import MemcachedConfig, address_of
from interlock_memcached_cache.plugin import interlock_register_backends

WORD = "s3cret"


def test_the_plugin_registers_the_backend_and_imports_no_driver() -> None:
    (spec,) = interlock_register_backends()
    assert spec.name == "memcached-cache"
    code = (
        "import sys, interlock_memcached_cache.plugin, interlock_memcached_cache.config;"
        "sys.exit('pymemcache' in sys.modules)"
    )
    result = subprocess.run([sys.executable, "-c", code], check=False)  # noqa: S603 # our own
    assert result.returncode == 0


@pytest.mark.parametrize(
    ("server", "address"),
    [
        ("cache-1:11211", ("cache-1", 11211)),
        ("10.0.0.1:1", ("10.0.0.1", 1)),
        ("[::1]:11211", ("::1", 11211)),
        ("/run/memcached.sock", "/run/memcached.sock"),
    ],
)
def test_servers_are_hosts_with_ports_and_sockets(
    server: str, address: tuple[str, int] | str
) -> None:
    assert address_of(server) == address


@pytest.mark.parametrize(
    "server",
    [
        "",
        "cache-1",
        "cache-1:",
        ":11211",
        "cache-1:0",
        "cache-1:65536",
        "cache-1:port",
        "::1:11211",
        "cache 1:11211",
        "http://cache-1:11211",
        "cache-1:11211\n",
        "/",
        "run/memcached.sock",
    ],
)
def test_what_is_no_server_is_refused(server: str) -> None:
    with pytest.raises(ValidationError, match="is no server"):
        MemcachedConfig.model_validate({"servers": [server]})


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ({"servers": []}, "at least 1"),
        ({"servers": ["a:1", "b:1", "a:1"]}, "a:1 is listed twice"),
        ({"ttl": 0}, "greater than 0"),
        ({"ttl": "500ms"}, "at least 1s"),
        ({"ttl": None}, "never"),
        ({"timeout": 0}, "greater than"),
        ({"connect_timeout": "0s"}, "greater than"),
        ({"retry_interval": 0}, "greater than"),
        ({"pool_size": 0}, "greater than or equal to 1"),
        ({"username": "joe"}, "go together"),
        ({"password": WORD}, "go together"),
        ({"username": "joe:x", "password": WORD}, "match pattern"),
        ({"username": "joe", "password": f"{WORD} two"}, "without spaces"),
        ({"username": "joe", "password": f"{WORD}\r\nflush_all"}, "without spaces"),
        ({"username": "joe", "password": ""}, "without spaces"),
        ({"servers": ["/run/memcached.sock"], "tls": {}}, "is a Unix socket"),
        ({"tls": {"key_file": "key.pem"}}, "needs cert_file"),
        ({"tls": {"ca": "ca.pem"}}, "Extra inputs"),
        ({"server": "a:1"}, "Extra inputs"),
    ],
)
def test_nonsense_is_refused(options: dict[str, object], told: str) -> None:
    with pytest.raises(ValidationError, match=told) as refused:
        MemcachedConfig.model_validate({"servers": ["a:1"], **options})
    assert WORD not in str(refused.value)


def test_the_password_is_never_shown() -> None:
    config = MemcachedConfig.model_validate(
        {"servers": ["a:1"], "username": "joe", "password": WORD}
    )
    assert WORD not in repr(config)
    assert WORD not in config.model_dump_json()


def test_a_certificate_that_cant_be_read_is_refused(tmp_path: Path) -> None:
    nonsense = tmp_path / "ca.pem"
    nonsense.write_text("no certificate")
    for ca_file in (nonsense, tmp_path / "missing.pem"):
        config = MemcachedConfig.model_validate({"servers": ["a:1"], "tls": {"ca_file": ca_file}})
        with pytest.raises(ConfigurationError, match=ca_file.name):
            MemcachedAggregateCacheBackend(config)
