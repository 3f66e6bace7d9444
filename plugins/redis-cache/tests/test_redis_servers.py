import asyncio
import gc
import re
import subprocess
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from interlock.backends import BackendUnavailableError, ConfigurationError, RecordKey
from interlock_redis_cache.backend import RedisAggregateCacheBackend
from redis_rig import Server, needed, new_key, record_of
from redis_sets import Cluster

Make = Callable[..., Awaitable[RedisAggregateCacheBackend]]
Start = Callable[..., Server]

RULES = (
    *("resetchannels", "~interlock*", "&interlock:changes:0", "+get", "+mget", "+set", "+del"),
    *("+eval", "+evalsha", "+publish", "+subscribe", "+ping"),
)


async def exercise(cache: RedisAggregateCacheBackend, count: int = 1) -> None:
    puts = {key: record_of(key, 3) for key in (new_key() for _ in range(count))}
    for key, record in puts.items():
        await cache.put(key, record)
        await cache.put(key, record_of(key, 2))
        assert await cache.read(key) == record
    assert await cache.read_many([*puts, new_key()]) == puts
    for key, record in puts.items():
        await cache.remove(key, record.stamp)
    assert await cache.read_many(list(puts)) == {}


async def test_a_cluster_is_put_to_and_read_from(make: Make, cluster: Cluster) -> None:
    cache = await make(cluster.url)
    await exercise(cache, 30)
    assert re.match(r"(Redis|Valkey) [0-9]+\.", await cache.server_version())


async def test_one_node_is_enough_to_find_a_cluster(make: Make, cluster: Cluster) -> None:
    await exercise(await make(f"redis+cluster://{cluster.nodes[2].name}"), 10)


async def test_many_are_read_from_a_cluster_in_one_round_trip_for_each_node(
    make: Make, cluster: Cluster
) -> None:
    cache = await make(cluster.url)
    keys = [new_key() for _ in range(60)]
    puts = {key: record_of(key, 3) for key in keys[:30]}
    for key, record in puts.items():
        await cache.put(key, record)
    assert {cluster.owner(key.text()).port for key in keys} == {n.port for n in cluster.nodes}
    await cache.read_many(keys)
    reads = [_reads(node) for node in cluster.nodes]
    assert await cache.read_many(keys) == puts
    for before, node in zip(reads, cluster.nodes, strict=True):
        # One read by the server for the commands of all keys, and a few for what is asked here.
        assert _reads(node) - before <= 4


def _reads(node: Server) -> int:
    return int(dict(re.findall(r"(\w+):(\d+)", node.ask("INFO", "stats")))["total_reads_processed"])


async def test_a_node_of_a_cluster_named_alone_is_explained(make: Make, cluster: Cluster) -> None:
    cache = await make(cluster.nodes[0].url, is_open=False)
    key = next(k for k in iter(new_key, None) if cluster.owner(k.text()) is not cluster.nodes[0])
    with pytest.raises(BackendUnavailableError, match=r"redis\+cluster://"):
        await cache.read(key)


async def test_a_user_with_the_permissions_of_the_page_can_do_all(
    start: Start, make: Make, binary: str
) -> None:
    server = start(binary=binary)
    server.ask("ACL", "SETUSER", "cache", "on", ">a@b/c d", *RULES)
    server.ask("ACL", "SETUSER", "default", "off")
    in_url = await make(f"redis://cache:a%40b%2Fc%20d@{server.name}/0")
    apart = await make(server.url, username="cache", password="a@b/c d")  # noqa: S106 # an example
    told: list[str] = []
    await in_url.watch(told.append, lambda: told.append("reset"))
    await exercise(in_url)
    await exercise(apart)


async def test_a_missing_permission_is_said(start: Start, make: Make) -> None:
    server = start("--user", "default", "on", "nopass", "~interlock*", "+@all")
    server.ask("ACL", "SETUSER", "default", "resetchannels")
    cache = await make(server.url)
    with pytest.raises(BackendUnavailableError, match="permission"):
        await cache.put(new_key(), record_of(new_key(), 1))
    quiet = await make(server.url, notify=False)
    await exercise(quiet)


@pytest.mark.parametrize(
    "options", [{}, {"password": "wrong-one"}, {"username": "cache", "password": "wrong-one"}]
)
async def test_a_wrong_password_is_said_and_not_shown(
    start: Start, make: Make, options: dict[str, str]
) -> None:
    server = start("--requirepass", "right-one", ask_with=["--no-auth-warning", "-a", "right-one"])
    await exercise(await make(server.url, password="right-one"))  # noqa: S106 # as above
    with pytest.raises(BackendUnavailableError, match="username and password") as caught:
        await make(server.url, **options)
    assert "wrong-one" not in str(caught.value)


@pytest.fixture
def certificates(tmp_path: Path) -> Path:
    """An authority, and a certificate for localhost and 127.0.0.1 that serves both sides."""

    def openssl(*arguments: str) -> None:
        command = [needed("openssl"), *arguments]
        subprocess.run(command, cwd=tmp_path, check=True, capture_output=True)  # noqa: S603 # ours

    key = ("-newkey", "rsa:2048", "-nodes", "-days", "2")
    openssl("req", "-x509", *key, "-keyout", "ca.key", "-out", "ca.crt", "-subj", "/CN=Test CA",
            "-addext", "keyUsage=critical,keyCertSign")  # fmt: skip
    openssl("req", *key[:3], "-keyout", "own.key", "-out", "own.csr", "-subj", "/CN=localhost")
    (tmp_path / "names").write_text("subjectAltName=DNS:localhost,IP:127.0.0.1")
    openssl("x509", "-req", "-in", "own.csr", "-CA", "ca.crt", "-CAkey", "ca.key",
            "-CAcreateserial", "-days", "2", "-extfile", "names", "-out", "own.crt")  # fmt: skip
    return tmp_path


@pytest.fixture
def tls_server(start: Start, certificates: Path) -> Server:
    binary = needed("redis-server")
    tried = subprocess.run(  # noqa: S603 # ours
        [binary, "--port", "0", "--tls-port", "1", "--tls-cert-file", "none"],
        capture_output=True,
        check=False,
        text=True,
        timeout=30,
    )
    if "wrong number of arguments" in tried.stderr or "Bad directive" in tried.stderr:
        pytest.skip("needs redis-server with TLS: this one is built without")
    files = ("own.crt", "own.key", "ca.crt")
    certificate, key, authority = (str(certificates / file) for file in files)
    pair = ["--cert", certificate, "--key", key, "--cacert", authority]
    return start(
        *("--port", "0", "--tls-port", "PORT", "--tls-cert-file", certificate),
        *("--tls-key-file", key, "--tls-ca-cert-file", authority),
        ask_with=["--tls", *pair],
    )


async def test_tls_with_a_certificate_of_our_own(
    make: Make, tls_server: Server, certificates: Path
) -> None:
    url = f"rediss://localhost:{tls_server.port}"
    authority = {"ssl_ca_certs": certificates / "ca.crt"}
    pair = {"ssl_certfile": certificates / "own.crt", "ssl_keyfile": certificates / "own.key"}
    cache = await make(url, **authority, **pair)
    told: list[str] = []
    await cache.watch(told.append, lambda: told.append("reset"))
    await exercise(cache)
    assert tls_server.ask("PUBSUB", "NUMSUB", "interlock:changes:0").split() == [
        "interlock:changes:0",
        "1",
    ]
    with pytest.raises(BackendUnavailableError, match=r"(?i)certificate"):
        await make(url, **pair)
    with pytest.raises(BackendUnavailableError):
        await make(f"redis://localhost:{tls_server.port}")


async def test_a_certificate_for_another_host_is_refused_unless_told_otherwise(
    make: Make, tls_server: Server, certificates: Path
) -> None:
    url = f"rediss://127.0.0.2:{tls_server.port}"
    tls_server.ask("CONFIG", "SET", "bind", "127.0.0.1 127.0.0.2")
    options = {
        "ssl_ca_certs": certificates / "ca.crt",
        "ssl_certfile": certificates / "own.crt",
        "ssl_keyfile": certificates / "own.key",
    }
    with pytest.raises(BackendUnavailableError, match=r"(?i)certificate"):
        await make(url, **options)
    await exercise(await make(url, **options, ssl_check_hostname=False))


async def test_opened_twice_it_leaves_no_connection(server: Server, make: Make) -> None:
    cache = await make(server.url)
    await cache.open()
    await exercise(cache)
    await cache.close()
    gc.collect()  # what wasn't closed warns here, which is an error


async def test_the_loop_of_another_thread_is_told(
    backend: RedisAggregateCacheBackend, key: RecordKey
) -> None:
    async def there() -> None:
        for call in (backend.read(key), backend.read_many([key]), backend.close()):
            with pytest.raises(ConfigurationError, match="was opened by another event loop"):
                await call

    told = asyncio.create_task(asyncio.to_thread(lambda: asyncio.run(there())))
    while not told.done():
        assert await backend.read(key) is None
    await told
