"""The options of `nats-events`."""

import re
from datetime import timedelta
from typing import Annotated, Self

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    FilePath,
    SecretStr,
    model_validator,
)

from interlock.backends import Duration

_ADDRESS = re.compile(r"(\[[0-9A-Fa-f:.]+\]|[^\s\[\]:/@]+):(?P<port>[0-9]{1,5})")


def _server(server: str) -> str:
    found = _ADDRESS.fullmatch(server)
    if found is None or not 0 < int(found["port"]) < 2**16:
        raise ValueError(
            f'{server!r} is no server; wanted "host:port" or "[IPv6 address]:port", without a '
            "scheme, a user or a password, which are options of their own"
        )
    return server


class Tls(BaseModel):
    """How the servers are recognised, and how we are. A server's name is always checked."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    ca_file: FilePath | None = None
    """Certificates that vouch for the servers', in PEM; the system's unless given."""

    cert_file: FilePath | None = None
    """Our own certificate, in PEM, for servers that ask for one."""

    key_file: FilePath | None = None
    """Its private key, unless it stands in `cert_file`."""

    @model_validator(mode="after")
    def _check_key_file(self) -> Self:
        if self.key_file is not None and self.cert_file is None:
            raise ValueError("key_file needs cert_file, the certificate that the key belongs to")
        return self


class NatsEventsConfig(BaseModel):
    """The options of `nats-events`."""

    model_config = ConfigDict(
        frozen=True, extra="forbid", hide_input_in_errors=True, use_attribute_docstrings=True
    )

    servers: Annotated[tuple[Annotated[str, AfterValidator(_server)], ...], Field(min_length=1)]
    """`"host:port"` of nodes of the cluster; the others are found through them."""

    stream: Annotated[str, Field(pattern=r"^[A-Za-z0-9_-]{1,64}$")] = "INTERLOCK_EVENTS"
    """The JetStream stream. Its subjects begin with its name."""

    namespace: str = "default"
    """The application's namespace, which keeps apart what shares a stream."""

    create_stream: bool = False
    """Whether the stream is made where it is missing."""

    replicas: Annotated[int, Field(ge=1, le=5)] = 3
    """On how many nodes a stream that is made keeps its messages."""

    sync_always: bool = False
    """Your word that every node is configured with `sync_interval: always`, which no client can
    find out."""

    allow_unsafe: bool = False
    """Whether a stream is taken that can lose acknowledged events: with fewer than three replicas,
    or on nodes that aren't known to sync each write."""

    timeout: Annotated[Duration, Field(gt=timedelta(0))] = timedelta(seconds=15)
    """How long a call may take. A leader that is lost is waited for within it."""

    user: str | None = None
    """The user's name."""

    password: SecretStr | None = None
    """Goes with `user`."""

    token: SecretStr | None = None
    """In the place of a user and a password."""

    credentials: FilePath | None = None
    """A file with a JWT and a seed (`.creds`), in the place of a user or a token."""

    tls: Tls | None = None
    """TLS, by the system's certificates if the table is empty."""

    @model_validator(mode="after")
    def _check_credentials(self) -> Self:
        if (self.user is None) != (self.password is None):
            raise ValueError("user and password go together")
        given = [name for name in ("user", "token", "credentials") if getattr(self, name)]
        if len(given) > 1:
            raise ValueError(f"{' and '.join(given)} are given; wanted one of them")
        return self
