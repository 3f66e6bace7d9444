"""The options of `memcached-cache`."""

import re
from datetime import timedelta
from pathlib import Path
from typing import Annotated, Self

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    SecretStr,
    field_validator,
    model_validator,
)

from interlock.backends import Duration, Ttl

_TCP = re.compile(r"(?:\[(?P<v6>[0-9A-Fa-f:.]+)\]|(?P<host>[^\s\[\]:/]+)):(?P<port>[0-9]{1,5})")
_SECOND = timedelta(seconds=1)


def address_of(server: str) -> tuple[str, int] | str:
    """Parse `"host:port"` or `"[::1]:port"`; return the path of a Unix socket as it is.

    Raises `ValueError` for anything else.
    """
    if re.fullmatch(r"/[^\0]+", server) is not None:
        return server
    found = _TCP.fullmatch(server)
    if found is None or not 0 < int(found["port"]) < 2**16:
        raise ValueError(
            f'{server!r} is no server; wanted "host:port", "[IPv6 address]:port", or the path of '
            "a Unix socket, which begins with /"
        )
    return found["v6"] or found["host"], int(found["port"])


def _server(server: str) -> str:
    address_of(server)
    return server


Server = Annotated[str, AfterValidator(_server)]
Positive = Annotated[Duration, Field(gt=timedelta(0))]


class Tls(BaseModel):
    """How the servers are recognised, and how we are. A server's name is always checked."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    ca_file: Path | None = None
    """Certificates that vouch for the servers', in PEM; the system's unless given."""

    cert_file: Path | None = None
    """Our own certificate, in PEM, for servers that ask for one."""

    key_file: Path | None = None
    """Its private key, unless it stands in `cert_file`."""

    @model_validator(mode="after")
    def _check_key_file(self) -> Self:
        if self.key_file is not None and self.cert_file is None:
            raise ValueError("key_file needs cert_file, the certificate that the key belongs to")
        return self


class MemcachedConfig(BaseModel):
    """The options of `memcached-cache`."""

    model_config = ConfigDict(
        frozen=True, extra="forbid", hide_input_in_errors=True, use_attribute_docstrings=True
    )

    servers: Annotated[tuple[Server, ...], Field(min_length=1)]
    """`"host:port"` or the path of a Unix socket, each once; the order means nothing."""

    ttl: Ttl = timedelta(hours=1)
    """How long an entry lives, in whole seconds; `"never"` has to be written."""

    timeout: Positive = timedelta(seconds=1)
    """How long a call may take, and the longest wait for an answer within it."""

    connect_timeout: Positive | None = None
    """How long to wait for a connection; `timeout` unless given."""

    retry_interval: Positive = timedelta(seconds=1)
    """How long a server that failed is left alone; its keys are misses meanwhile."""

    pool_size: Annotated[int, Field(ge=1, le=256)] = 4
    """How many connections to each server, and threads that wait for it, at most."""

    username: Annotated[str, Field(pattern=r"^[^\s:]+$")] | None = None
    """For servers with an authentication file (`-Y`)."""

    password: SecretStr | None = None
    """Goes with `username`."""

    tls: Tls | None = None
    """TLS, by the system's certificates if the table is empty."""

    required: bool = False
    """Whether the application doesn't start while one of the servers can't be reached."""

    @field_validator("servers")
    @classmethod
    def _each_once(cls, servers: tuple[str, ...]) -> tuple[str, ...]:
        twice = sorted({server for server in servers if servers.count(server) > 1})
        if twice:
            raise ValueError(f"{', '.join(twice)} is listed twice")
        return servers

    @field_validator("ttl")
    @classmethod
    def _whole_seconds(cls, ttl: timedelta | None) -> timedelta | None:
        if ttl is not None and ttl < _SECOND:
            raise ValueError("memcached counts whole seconds; wanted at least 1s")
        return ttl

    @field_validator("password")
    @classmethod
    def _one_word(cls, password: SecretStr | None) -> SecretStr | None:
        if password is not None and re.fullmatch(r"\S+", password.get_secret_value()) is None:
            raise ValueError("memcached takes a password without spaces, of one character at least")
        return password

    @model_validator(mode="after")
    def _what_goes_together(self) -> Self:
        if (self.username is None) != (self.password is None):
            raise ValueError("username and password go together")
        sockets = [server for server in self.servers if server.startswith("/")]
        if self.tls is not None and sockets:
            raise ValueError(f"tls is for TCP, and {sockets[0]} is a Unix socket")
        return self
