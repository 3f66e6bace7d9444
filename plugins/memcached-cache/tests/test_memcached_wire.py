import asyncio
import socket
import subprocess
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest

from interlock.backends import BackendUnavailableError, RecordKey
from interlock_memcached_cache.backend import MemcachedAggregateCacheBackend
from memcached_rig import Clock, Server, needed, new_key, record_of

Backend = MemcachedAggregateCacheBackend
Make = Callable[..., Backend]
VERSION = b"VERSION 1.6.18\r\n"
WORD = "s3cret:x"


class Liar:
    """A server that gives each connection its answers, one for each line, and then hangs up."""

    def __init__(self) -> None:
        self.connections: list[list[bytes]] = []
        self.name = ""

    async def answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        for reply in self.connections.pop(0):
            await reader.readline()
            writer.write(reply)
            await writer.drain()
        writer.close()


@pytest.fixture
async def liar() -> AsyncIterator[Liar]:
    liar = Liar()
    async with await asyncio.start_server(liar.answer, "127.0.0.1") as server:
        liar.name = "127.0.0.1:{1}".format(*server.sockets[0].getsockname())
        yield liar


@pytest.mark.parametrize(
    "banner",
    [
        b"HTTP/1.1 400 Bad Request\r\n\r\n",
        b"-ERR unknown command 'version'\r\n",
        b"SSH-2.0-OpenSSH_9.2\r\n",
        b"\x15\x03\x01\x00\x02\x02\x46\r\n",
        b"\r\n",
    ],
)
async def test_what_is_no_memcached_is_told_at_the_start(
    liar: Liar, make: Make, banner: bytes
) -> None:
    liar.connections = [[banner]]
    with pytest.raises(BackendUnavailableError, match=r"as memcached does.* port in servers"):
        await make(liar.name).open()


async def test_server_that_hangs_up_at_once_is_told_at_the_start(liar: Liar, make: Make) -> None:
    liar.connections = [[]]
    with pytest.raises(BackendUnavailableError, match=r"hangs up.* tls .* SASL"):
        await make(liar.name).open()


def broken(text: str) -> list[bytes]:
    head = f"VALUE {text} 0 ".encode()
    return [
        head + b"100\r\nhalf a value",
        head + b"3\r\nabc\r\n",  # no END
        head,
        head + b"-7\r\n",
        head + b"x\r\nabc\r\nEND\r\n",
        b"VALUE somebody-else 0 3\r\nabc\r\nEND\r\n",
        b"VALUE\r\n",
        b"SERVER_ERROR out of memory writing get response\r\n",
        b"CLIENT_ERROR bad command line format\r\n",
        b"ERROR\r\n",
        b"\xff\xfe\r\n",
    ]


@pytest.mark.parametrize("number", range(len(broken(""))))
async def test_broken_replies_are_failures_of_the_server(
    liar: Liar, make: Make, number: int
) -> None:
    key = new_key()
    reply = broken(key.text())[number]
    liar.connections = [[VERSION, reply], [reply]]
    backend = make(liar.name)
    await backend.open()
    with pytest.raises(BackendUnavailableError, match=liar.name):
        await backend.read(key)


async def test_reply_after_a_broken_one_is_not_taken_for_its_end(
    liar: Liar, make: Make, clock: Clock
) -> None:
    key = new_key()
    record = record_of(key, 5)
    value = record.to_bytes()
    whole = f"VALUE {key.text()} 0 {len(value)}\r\n".encode() + value + b"\r\nEND\r\n"
    liar.connections = [[VERSION, whole[:40]], [whole[:-9]], [whole]]
    backend = make(liar.name)
    await backend.open()
    with pytest.raises(BackendUnavailableError, match="hangs up"):
        await backend.read(key)
    clock.now += 1
    assert await backend.read(key) == record


@pytest.fixture
def guarded(start: Callable[..., Server], tmp_path: Path) -> Server:
    users = tmp_path / "users"
    users.write_text(f"ann:other\njoe:{WORD}\n")
    return start("-Y", str(users), speaks=False)


async def test_password_of_the_authentication_file_is_taken(guarded: Server, make: Make) -> None:
    backend = make(guarded, username="joe", password=WORD, pool_size=3)
    await backend.open()
    keys = [new_key() for _ in range(9)]
    await asyncio.gather(*(backend.put(key, record_of(key, 5)) for key in keys))
    assert (await backend.read_many(keys)).keys() == set(keys)


@pytest.mark.parametrize(
    "login",
    [{}, {"username": "joe", "password": WORD + "!"}, {"username": "x", "password": WORD}],
)
async def test_wrong_password_is_told_and_not_shown(
    guarded: Server, make: Make, login: dict[str, str]
) -> None:
    backend = make(guarded, **login)
    with pytest.raises(
        BackendUnavailableError, match=r"refused us.* username and password"
    ) as said:
        await backend.open()
    assert WORD not in str(said.value)


async def test_password_for_a_server_that_wants_none_leaves_nothing_there(
    start: Callable[..., Server], make: Make
) -> None:
    server = start()
    backend = make(server, username="joe", password=WORD)
    await backend.open()
    assert server.ask(b"get interlock-login\r\n") == b"END\r\n"


@pytest.fixture
def certificate(tmp_path: Path) -> Path:
    command = [needed("openssl"), "req", "-x509", "-newkey", "ec", "-nodes", "-days", "2"]
    command += ["-pkeyopt", "ec_paramgen_curve:prime256v1", "-subj", "/CN=tests"]
    command += ["-addext", "subjectAltName=IP:127.0.0.1", "-keyout", "key.pem", "-out", "cert.pem"]
    subprocess.run(command, cwd=tmp_path, check=True, capture_output=True)  # noqa: S603 # our own
    return tmp_path / "cert.pem"


@pytest.fixture
def sealed(start: Callable[..., Server], certificate: Path) -> Server:
    key = certificate.with_name("key.pem")
    return start("-Z", "-o", f"ssl_chain_cert={certificate},ssl_key={key}", speaks=False)


async def test_entries_go_over_tls(
    sealed: Server, make: Make, certificate: Path, key: RecordKey
) -> None:
    backend = make(sealed, tls={"ca_file": certificate})
    await backend.open()
    put = record_of(key, 5, size=100_000)
    await backend.put(key, put)
    assert await backend.read(key) == put
    sealed.kill()
    sealed.start()
    assert await backend.read(key) is None


async def test_server_that_asks_for_a_certificate_is_shown_ours(
    start: Callable[..., Server], make: Make, certificate: Path, key: RecordKey
) -> None:
    ours = {"cert_file": certificate, "key_file": certificate.with_name("key.pem")}
    server = start(
        *("-Z", "-o", f"ssl_chain_cert={certificate},ssl_key={ours['key_file']}"),
        *("-o", f"ssl_verify_mode=2,ssl_ca_cert={certificate}"),
        speaks=False,
    )
    backend = make(server, tls={"ca_file": certificate, **ours})
    await backend.open()
    assert await backend.read(key) is None
    with pytest.raises(BackendUnavailableError, match=server.name):
        await make(server, tls={"ca_file": certificate}).open()


async def test_server_that_nobody_vouches_for_is_refused(sealed: Server, make: Make) -> None:
    with pytest.raises(BackendUnavailableError, match=r"TLS.*certificate verify failed.*ca_file"):
        await make(sealed, tls={}).open()


async def test_server_of_another_name_is_refused(
    sealed: Server, make: Make, certificate: Path
) -> None:
    backend = make(f"localhost:{sealed.port}", tls={"ca_file": certificate})
    with pytest.raises(BackendUnavailableError, match=r"TLS.*localhost"):
        await backend.open()


async def test_tls_for_a_server_without_it_is_told(
    server: Server, make: Make, certificate: Path
) -> None:
    with pytest.raises(BackendUnavailableError, match=r"TLS.* \(-Z\)"):
        await make(server, tls={"ca_file": certificate}).open()


async def test_server_with_tls_that_isnt_asked_for_it_is_told(sealed: Server, make: Make) -> None:
    with pytest.raises(BackendUnavailableError, match=r"hangs up.* tls"):
        await make(sealed).open()


async def test_name_with_several_addresses_is_reached_at_any_of_them(
    server: Server, make: Make, key: RecordKey, monkeypatch: pytest.MonkeyPatch
) -> None:
    def addresses(host: str, port: int, *_: object) -> list[tuple[object, ...]]:
        assert host == "cache.test"
        found = [("127.0.0.9", port), ("127.0.0.1", port)]
        return [(socket.AF_INET, socket.SOCK_STREAM, 0, "", address) for address in found]

    monkeypatch.setattr(socket, "getaddrinfo", addresses)
    backend = make(f"cache.test:{server.port}")
    await backend.open()
    assert await backend.read(key) is None


async def test_unix_socket_is_a_server(
    start: Callable[..., Server], make: Make, key: RecordKey, tmp_path: Path
) -> None:
    server = start(path=tmp_path / "memcached.sock")
    backend = make(server)
    await backend.open()
    put = record_of(key, 5)
    await backend.put(key, put)
    assert await backend.read(key) == put
    server.kill()
    with pytest.raises(BackendUnavailableError, match=server.name):
        await backend.read(key)
