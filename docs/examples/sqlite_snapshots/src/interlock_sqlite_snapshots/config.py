"""The options of `sqlite-snapshots`."""

from datetime import timedelta
from pathlib import Path
from typing import Annotated

from interlock.backends import Duration
from pydantic import BaseModel, ConfigDict, Field


class SqliteSnapshotsConfig(BaseModel):
    """The options of `sqlite-snapshots`. Processes that share a file are configured alike."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    file: Path
    """A file on a local disk. It is made if it is missing, in a folder that has to be there."""

    keep: Annotated[int, Field(ge=1)] = 1
    """How many snapshots of each revision of an aggregate are kept."""

    keep_revisions: Annotated[int, Field(ge=1)] = 2
    """How many revisions of an aggregate are kept."""

    timeout: Annotated[Duration, Field(gt=timedelta(0))] = timedelta(seconds=5)
    """How long a call may take. Half of it is spent on waiting for another process's lock."""
