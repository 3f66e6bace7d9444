"""Who may connect: tokens, credentials signed by an operator, certificates of clients."""

import base64
import json
import os
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path
from typing import Any
from uuid import uuid4

import nkeys  # type: ignore[import-untyped] # it says nothing of its types
import pytest

from fault_ledger import events_of
from interlock.backends import BackendUnavailableError
from interlock_nats_events.backend import NatsEventStore
from nats_rig import cluster

Opened = Callable[..., Awaitable[NatsEventStore]]
SMALL: Mapping[str, Any] = {"replicas": 1, "allow_unsafe": True, "timeout": "5s"}
_UNBOUNDED = ("subs", "data", "payload", "imports", "exports", "conn", "leaf")
_STORAGE = ("mem_storage", "disk_storage", "streams", "consumer")


class Identity:
    """A key pair of an operator, an account or a user."""

    def __init__(self, prefix: int) -> None:
        self.seed = nkeys.encode_seed(os.urandom(32), prefix)
        self._pair = nkeys.from_seed(bytearray(self.seed))
        self.name = self._pair.public_key.decode()

    def token(self, of: "Identity", kind: str, **claims: object) -> str:
        """A signed statement about another, or about oneself."""
        about = {"type": kind, "version": 2, **claims}
        said = {"jti": "1", "iat": 1, "iss": self.name, "sub": of.name, "name": kind, "nats": about}
        head = {"typ": "JWT", "alg": "ed25519-nkey"}
        text = f"{_encoded(json.dumps(head).encode())}.{_encoded(json.dumps(said).encode())}"
        return f"{text}.{_encoded(self._pair.sign(text.encode()))}"


def _encoded(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


async def expect_stored(store: NatsEventStore) -> None:
    commit = events_of(uuid4(), 2)
    await store.append(commit, after=None)
    assert await store.head("Account", commit[0].aggregate_id) == (2, commit[1].event_id)


async def test_a_token_is_asked_for(opened: Opened) -> None:
    with cluster(1, 'authorization { token: "right" }') as nodes:
        await expect_stored(await opened(nodes, **SMALL, token="right"))  # noqa: S106 # a test's
        with pytest.raises(BackendUnavailableError):
            await opened(nodes, **SMALL, token="wrong")  # noqa: S106 # a test's


async def test_credentials_are_shown(opened: Opened, tmp_path: Path) -> None:
    operator, account, system, user, stranger = (
        Identity(prefix)
        for prefix in (
            nkeys.PREFIX_BYTE_OPERATOR,
            nkeys.PREFIX_BYTE_ACCOUNT,
            nkeys.PREFIX_BYTE_ACCOUNT,
            nkeys.PREFIX_BYTE_USER,
            nkeys.PREFIX_BYTE_ACCOUNT,
        )
    )
    limits = dict.fromkeys(_UNBOUNDED, -1) | {"wildcards": True}
    of_system = operator.token(system, "account", limits=limits)
    of_account = operator.token(account, "account", limits=limits | dict.fromkeys(_STORAGE, -1))
    trusted = (
        f"operator: {operator.token(operator, 'operator')}\nresolver: MEMORY\n"
        f"system_account: {system.name}\n"
        f'resolver_preload: {{ {system.name}: "{of_system}", {account.name}: "{of_account}" }}'
    )
    files = {}
    for name, issuer in (("right", account), ("wrong", stranger)):
        bounds = dict.fromkeys(("subs", "data", "payload"), -1)
        files[name] = tmp_path / f"{name}.creds"
        files[name].write_text(
            "-----BEGIN NATS USER JWT-----\n"
            f"{issuer.token(user, 'user', **bounds)}\n"
            "------END NATS USER JWT------\n\n"
            "-----BEGIN USER NKEY SEED-----\n"
            f"{user.seed.decode()}\n"
            "------END USER NKEY SEED------\n"
        )
    with cluster(1, trusted) as nodes:
        await expect_stored(await opened(nodes, **SMALL, credentials=str(files["right"])))
        with pytest.raises(BackendUnavailableError):
            await opened(nodes, **SMALL, credentials=str(files["wrong"]))


async def test_a_certificate_of_ours_is_shown(certificate: Path, opened: Opened) -> None:
    cert, key = certificate, certificate.with_name("key.pem")
    sealed = f'tls {{ cert_file: "{cert}", key_file: "{key}", ca_file: "{cert}", verify: true }}'
    with cluster(1, sealed) as nodes:
        shown = {"ca_file": str(cert), "cert_file": str(cert), "key_file": str(key)}
        await expect_stored(await opened(nodes, **SMALL, tls=shown))
        with pytest.raises(BackendUnavailableError):
            await opened(nodes, **SMALL, tls={"ca_file": str(cert)})


async def test_events_go_over_tls(certificate: Path, opened: Opened) -> None:
    key = certificate.with_name("key.pem")
    sealed = f'tls {{ cert_file: "{certificate}", key_file: "{key}" }}'
    with cluster(1, sealed) as nodes:
        options = {"replicas": 1, "allow_unsafe": True, "timeout": "5s"}
        store = await opened(nodes, **options, tls={"ca_file": str(certificate)})
        commit = events_of(uuid4(), 2)
        await store.append(commit, after=None)
        assert await store.head("Account", commit[0].aggregate_id) == (2, commit[1].event_id)
        with pytest.raises(BackendUnavailableError, match="certificate verify failed"):
            await opened(nodes, **options, tls={})
