"""The options of `redis-cache`."""

from datetime import timedelta
from functools import cached_property
from typing import Annotated, Self

from pydantic import BaseModel, ConfigDict, Field, FilePath, SecretStr, model_validator

from interlock.backends import Duration, Ttl
from interlock_redis_cache.address import Address

Positive = Annotated[Duration, Field(gt=timedelta(0))]


class RedisConfig(BaseModel):
    """The options of `redis-cache`.

    The URL may hold a password, so neither `repr` nor an error message shows it.
    """

    model_config = ConfigDict(
        frozen=True, extra="forbid", hide_input_in_errors=True, use_attribute_docstrings=True
    )

    url: Annotated[str, Field(repr=False)] = "redis://localhost:6379/0"
    """`redis://[user:password@]host[:port][/db]`,
    `redis+sentinel://host:port,host:port/service-name[/db]` or
    `redis+cluster://host:port,host:port`; `rediss` in the place of `redis` is with TLS."""

    username: str | None = None
    """The ACL user; in the place of the one in `url`."""

    password: SecretStr | None = None
    """In the place of the one in `url`."""

    sentinel_username: str | None = None
    """The sentinels' own ACL user."""

    sentinel_password: SecretStr | None = None
    """The sentinels' own; the user and password of the servers aren't sent to them."""

    ssl_ca_certs: FilePath | None = None
    """The certificates of the authorities to trust, PEM; the system's unless given."""

    ssl_certfile: FilePath | None = None
    """A certificate of our own, PEM, for servers that ask for one."""

    ssl_keyfile: FilePath | None = None
    """Its private key, PEM."""

    ssl_check_hostname: bool = True
    """Whether the certificate must be for the host that is connected to."""

    ttl: Ttl = timedelta(hours=1)
    """How long an entry lives after it was put; `"never"`: until it is evicted."""

    jitter: Annotated[float, Field(ge=0, lt=1)] = 0.1
    """Up to this fraction of `ttl` is taken off by chance, so that entries put together don't
    expire together."""

    timeout: Positive = timedelta(seconds=1)
    """How long a call may take, connecting included."""

    connect_timeout: Positive | None = None
    """How long to wait for a connection to one server; half of `timeout` unless given."""

    max_connections: Annotated[int, Field(ge=1)] = 32
    """How many calls run at once, each on a connection of its own; others wait."""

    max_value_size: Annotated[int, Field(ge=1, le=512 * 2**20)] = 512 * 2**20
    """The largest entry in bytes. Redis itself takes 512 MiB, and serves nobody else meanwhile."""

    notify: bool = True
    """Whether changes are published to the processes that have a tier of their own in front."""

    heartbeat: Positive = timedelta(seconds=5)
    """How often the channel of changes is checked, and the servers that it should be open to."""

    required: bool = False
    """Whether an unreachable server stops the start."""

    @cached_property
    def address(self) -> Address:
        """The servers that the URL names."""
        return Address.parse(self.url)

    @property
    def user(self) -> tuple[str | None, str | None]:
        """The user's name and password."""
        password = None if self.password is None else self.password.get_secret_value()
        return self.username or self.address.username, password or self.address.password

    @property
    def effective_connect_timeout(self) -> timedelta:
        """`connect_timeout` or its default."""
        return self.timeout / 2 if self.connect_timeout is None else self.connect_timeout

    @model_validator(mode="after")
    def _check_options(self) -> Self:
        address = self.address
        if self.username and address.username:
            raise ValueError("the user is named twice: in url and in username")
        if self.password is not None and address.password:
            raise ValueError("the password is given twice: in url and in password")
        if self.effective_connect_timeout > self.timeout:
            raise ValueError("connect_timeout must not be longer than timeout, which includes it")
        if (self.ssl_certfile is None) != (self.ssl_keyfile is None):
            raise ValueError("ssl_certfile and ssl_keyfile are given together or not at all")
        tls = [name for name in self.model_fields_set if name.startswith("ssl_")]
        if tls and not address.tls:
            raise ValueError(f"{', '.join(sorted(tls))}: TLS is spoken where url begins rediss")
        return self
