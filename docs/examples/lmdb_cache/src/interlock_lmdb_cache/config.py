"""The options of `lmdb-cache`."""

from datetime import timedelta
from pathlib import Path
from typing import Annotated

from interlock.backends import Duration, Ttl
from pydantic import BaseModel, ByteSize, ConfigDict, Field


class LmdbCacheConfig(BaseModel):
    """The options of `lmdb-cache`. Processes that share a directory are configured alike."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    directory: Path
    """A directory for this cache alone, on a local disk. It is made if it is missing."""

    ttl: Ttl = timedelta(hours=1)
    """How long an entry lives since it was put, or `"never"` for ever."""

    size_limit: Annotated[ByteSize, Field(ge=2**20)] = ByteSize(2**30)
    """How large the file may get, in bytes or as in `"500MiB"`. Entries take half of it."""

    timeout: Annotated[Duration, Field(gt=timedelta(0))] = timedelta(seconds=1)
    """How long a call may take."""
