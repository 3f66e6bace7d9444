"""The options of `sqlite-events`."""

from datetime import timedelta
from pathlib import Path
from typing import Annotated

from interlock.backends import Duration
from pydantic import BaseModel, ConfigDict, Field


class SqliteEventsConfig(BaseModel):
    """The options of `sqlite-events`."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    file: Path
    """A file on a local disk. It is made if it is missing, in a folder that has to be there."""

    namespace: str = "default"
    """The application's namespace, which keeps apart what shares a file."""

    timeout: Annotated[Duration, Field(gt=timedelta(0))] = timedelta(seconds=10)
    """How long a call may take. Half of it is spent on waiting for another process's lock."""
