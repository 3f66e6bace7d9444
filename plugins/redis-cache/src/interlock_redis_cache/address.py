"""Parses the URL of the servers."""

import re
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Self
from urllib.parse import unquote

_SCHEME = re.compile(r"(redis|rediss)(?:\+(sentinel|cluster))?://(.*)", re.DOTALL)
_NODE = re.compile(r"(\[[0-9A-Fa-f:.]+\]|[^\s:/@\[\]]+)(?::([0-9]{1,5}))?")
_PORTS = {"single": 6379, "cluster": 6379, "sentinel": 26379}
_MAX_PORT = 65535
_ESCAPES = "within a user's name or password %40 for @, %2F for /"

Node = tuple[str, int]  # host, port


class Mode(StrEnum):
    """How the servers are found."""

    SINGLE = "single"
    SENTINEL = "sentinel"
    CLUSTER = "cluster"


@dataclass(frozen=True, slots=True)
class Address:
    """The servers of a URL. Errors show no part of it, since it may hold a password."""

    mode: Mode
    tls: bool
    nodes: tuple[Node, ...]
    service: str = ""
    db: int = 0
    username: str | None = None
    password: str | None = field(default=None, repr=False)

    @classmethod
    def parse(cls, url: str) -> Self:
        """Parse a URL `redis[s]://`, `redis[s]+sentinel://` or `redis[s]+cluster://`.

        Raises `ValueError`.
        """
        match = _SCHEME.fullmatch(url)
        if match is None:
            raise ValueError(
                "wanted a URL that begins with redis://, rediss://, redis+sentinel:// or "
                "redis+cluster:// (with TLS rediss+sentinel://, rediss+cluster://)"
            )
        scheme, suffix, rest = match.groups()
        mode = Mode(suffix or "single")
        if "?" in rest or "#" in rest:
            raise ValueError(
                "a URL has no ?query and no #fragment here: write options beside the url, and "
                "%3F and %23 within a password"
            )
        authority, _, path = rest.partition("/")
        account, _, hosts = authority.rpartition("@")
        username, _, password = account.partition(":")
        service, db = _path(mode, path)
        return cls(
            mode,
            scheme == "rediss",
            _nodes(mode, hosts),
            service,
            db,
            unquote(username) or None,
            unquote(password) or None,
        )


def _nodes(mode: Mode, hosts: str) -> tuple[Node, ...]:
    nodes = tuple(_node(host, _PORTS[mode]) for host in hosts.split(",") if host.strip())
    if not nodes:
        raise ValueError("the URL names no server: write a host after the //")
    if mode is Mode.SINGLE and len(nodes) > 1:
        raise ValueError(
            f"the URL names {len(nodes)} servers: redis:// is for one, "
            "redis+sentinel:// and redis+cluster:// are for several"
        )
    return nodes


def _node(host: str, default_port: int) -> Node:
    match = _NODE.fullmatch(host.strip())
    port = default_port if match is None else int(match.group(2) or default_port)
    if match is None or not 0 < port <= _MAX_PORT:
        raise ValueError(
            "the URL's servers don't read: wanted host:port, a port up to 65535, an IPv6 address "
            f"in brackets, and {_ESCAPES}"
        )
    return match.group(1).strip("[]"), port


def _path(mode: Mode, path: str) -> tuple[str, int]:
    if "@" in path:  # of a password; what stands before it would be looked up as a server's name
        raise ValueError(f"the URL has an @ behind its servers: {_ESCAPES}")
    service, _, db = path.partition("/") if mode is Mode.SENTINEL else ("", "", path)
    if mode is Mode.SENTINEL and not service:
        raise ValueError(
            "the URL names no service: wanted redis+sentinel://host:port,host:port/service-name"
        )
    if not re.fullmatch(r"[0-9]{0,6}/?", db):
        raise ValueError("the URL's path doesn't read: wanted the number of a database")
    number = int(db.strip("/") or 0)
    if mode is Mode.CLUSTER and number:
        raise ValueError(f"a cluster has the database 0 alone, the URL names {number}")
    return unquote(service), number
