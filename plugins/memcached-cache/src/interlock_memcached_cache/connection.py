"""One connection to one server: the driver's client, made to connect and log in as we want."""

import socket
import ssl

from pymemcache.client.base import Client  # type: ignore[import-untyped] # the driver has no types

from interlock.backends import ConfigurationError
from interlock_memcached_cache.config import MemcachedConfig, Tls, address_of

_LOGIN_KEY = "interlock-login"


class Connection(Client):  # type: ignore[misc] # the driver's class is untyped
    """A connection that one thread at a time uses; made when it is first needed.

    Every command waits for its reply.
    """

    def __init__(self, server: str, config: MemcachedConfig, tls: ssl.SSLContext | None) -> None:
        timeout = config.timeout.total_seconds()
        connect_timeout = config.connect_timeout or config.timeout
        super().__init__(
            address_of(server),
            timeout=timeout,
            connect_timeout=connect_timeout.total_seconds(),
            default_noreply=False,
            tls_context=tls,
        )
        self._credentials: bytes | None = None
        if config.username is not None and config.password is not None:
            self._credentials = f"{config.username} {config.password.get_secret_value()}".encode()

    @property
    def is_open(self) -> bool:
        """Whether the connection is open: no command failed since it was made."""
        return self.sock is not None

    def _connect(self) -> None:
        # The driver's own tries only the first address of a name, which for "localhost" is IPv6
        # where memcached listens on IPv4 (pymemcache #303).
        self.close()
        self.sock = self._socket()
        if self._credentials is not None:
            # This is how the text protocol logs in (protocol.txt, "Authentication"). A server that
            # doesn't ask takes it for an item: that one has expired already.
            self.set(_LOGIN_KEY, self._credentials, expire=-1)

    def _socket(self) -> socket.socket:
        if isinstance(self.server, str):
            sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        else:
            sock = socket.create_connection(self.server, timeout=self.connect_timeout)
        try:
            if isinstance(self.server, str):
                sock.settimeout(self.connect_timeout)
                sock.connect(self.server)
            else:
                sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
                if self.tls_context is not None:
                    sock = self.tls_context.wrap_socket(sock, server_hostname=self.server[0])
            sock.settimeout(self.timeout)
        except BaseException:
            sock.close()
            raise
        return sock


def tls_context(tls: Tls | None) -> ssl.SSLContext | None:
    """Make the TLS context; raises `ConfigurationError` for a file that can't be read."""
    if tls is None:
        return None
    try:
        context = ssl.create_default_context(cafile=tls.ca_file)
        if tls.cert_file is not None:
            context.load_cert_chain(tls.cert_file, tls.key_file)
    except OSError as error:  # ssl.SSLError is one
        files = [str(f) for f in (tls.ca_file, tls.cert_file, tls.key_file) if f is not None]
        raise ConfigurationError(
            f"memcached's tls: wanted readable PEM files in {', '.join(files)}, found: {error}"
        ) from error
    return context
