"""The options of `object-snapshots`."""

import re
from datetime import timedelta
from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, SecretStr

from interlock.backends import Duration

_URL = re.compile(r"(s3|gs|az)://[^/\s?#@]+(/[^\s?#@]*)?|file:///[^\s?#]*")
_ENDPOINT = re.compile(r"https?://[^/\s?#@]+(/[^\s?#@]*)?")


def _url(url: str) -> str:
    if _URL.fullmatch(url) is None:
        raise ValueError(
            "wanted s3://bucket/prefix, gs://bucket/prefix, az://container/prefix or "
            "file:///folder, without credentials in it; these are options of their own"
        )
    return url


def _endpoint(url: str) -> str:
    if _ENDPOINT.fullmatch(url) is None:
        raise ValueError("wanted https://host:port or http://host:port, without credentials in it")
    return url


Positive = Annotated[Duration, Field(gt=timedelta(0))]


class ObjectSnapshotsConfig(BaseModel):
    """The options of `object-snapshots`."""

    model_config = ConfigDict(
        frozen=True, extra="forbid", hide_input_in_errors=True, use_attribute_docstrings=True
    )

    url: Annotated[str, AfterValidator(_url)]
    """Where the objects are: `s3://bucket/prefix`, `gs://bucket/prefix`, `az://container/prefix`,
    or `file:///folder`. Stores that share a prefix are configured alike."""

    endpoint: Annotated[str, AfterValidator(_endpoint)] | None = None
    """The server, where it isn't the provider's own: MinIO, SeaweedFS, Ceph, R2, an emulator."""

    options: dict[str, SecretStr] = {}
    """Further options of the provider as obstore names them, credentials among them:
    `access_key_id`, `secret_access_key` and `region` of S3, `service_account` of Google,
    `account_name` and `account_key` of Azure. What is left out is taken from the environment."""

    timeout: Positive = timedelta(seconds=5)
    """How long a call may take."""

    concurrency: Annotated[int, Field(ge=1)] = 16
    """How many requests one call makes at once, where it reads or removes many objects."""

    keep: Annotated[int, Field(ge=1)] = 1
    """How many snapshots of a revision to keep of each aggregate, the newest."""

    keep_revisions: Annotated[int, Field(ge=1)] = 2
    """How many revisions to keep snapshots of, of each aggregate, the most recently taken."""

    keep_for: Positive | None = None
    """How long to keep a snapshot after it was taken, unless it is an aggregate's newest."""
