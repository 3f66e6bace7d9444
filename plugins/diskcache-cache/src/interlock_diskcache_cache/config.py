"""The options of `diskcache-cache`."""

import os
from datetime import timedelta
from pathlib import Path
from typing import Annotated

from pydantic import AfterValidator, BaseModel, ByteSize, ConfigDict, Field

from interlock.backends import Duration, Ttl


def _literal(path: Path) -> Path:
    path = path.expanduser().absolute()
    # diskcache would expand it and open another directory than the one that was checked.
    if os.path.expandvars(path) != str(path):
        raise ValueError("wanted a path without $VARIABLE; in TOML write ${VARIABLE}")
    return path


class DiskCacheConfig(BaseModel):
    """The options of `diskcache-cache`. Processes that share a directory are configured alike."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    directory: Annotated[Path, AfterValidator(_literal)]
    """A directory for this cache alone, on a local disk. It is made if it is missing."""

    ttl: Ttl = timedelta(hours=1)
    """How long an entry lives since it was put, or `"never"` for ever."""

    size_limit: Annotated[ByteSize, Field(ge=2**20)] = ByteSize(2**30)
    """Bytes, or `"500MiB"`. Above it the least recently put entries go."""

    timeout: Annotated[Duration, Field(gt=timedelta(0))] = timedelta(seconds=1)
    """How long a call may take. Half of it is spent on waiting for another process's lock."""

    required: bool = False
    """Whether an application doesn't start while this cache can't be opened."""
