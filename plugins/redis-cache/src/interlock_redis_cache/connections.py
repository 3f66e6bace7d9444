"""Makes connections to the servers."""

from typing import Any

from redis.asyncio import Connection, SSLConnection
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import ConnectionError as RedisConnectionError

from interlock_redis_cache.address import Node
from interlock_redis_cache.config import RedisConfig

Reply = Any  # Any: what a server may answer


def channel_connection(config: RedisConfig, node: Node) -> Connection:
    """Make a connection to one server, outside any pool."""
    options = {**connection_options(config), "host": node[0], "port": node[1]}
    if config.address.tls:
        return SSLConnection(retry=retries(0), **options, **tls_options(config))
    return Connection(retry=retries(0), **options)


def connection_options(config: RedisConfig) -> dict[str, Any]:  # Any: the driver's keywords
    """List the driver's options for connections to servers that hold entries."""
    username, password = config.user
    return {
        "db": config.address.db,
        "username": username,
        "password": password,
        "socket_connect_timeout": config.effective_connect_timeout.total_seconds(),
        # Each call is bounded as a whole, which costs less than a bound on each of its steps.
        "socket_timeout": None,
        "socket_keepalive": True,
        # The older protocol does all that is needed, in one round trip less for a connection.
        "protocol": 2,
    }


def tls_options(config: RedisConfig) -> dict[str, Any]:  # Any: as above
    """List the driver's further options for TLS; none without TLS."""
    if not config.address.tls:
        return {}
    files = {
        name: getattr(config, name) for name in ("ssl_ca_certs", "ssl_certfile", "ssl_keyfile")
    }
    return {
        "ssl_cert_reqs": "required",
        "ssl_check_hostname": config.ssl_check_hostname,
        **{name: None if path is None else str(path) for name, path in files.items()},
    }


def retries(times: int) -> Retry:
    """Make the driver repeat a command so often on a new connection after its own broke."""
    # Every command here may be sent twice. A pool's idle connections end with a server's restart.
    return Retry(NoBackoff(), times, supported_errors=(RedisConnectionError,))
