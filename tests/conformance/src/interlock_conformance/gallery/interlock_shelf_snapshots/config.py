"""The options of `shelf-snapshots`."""

from pydantic import BaseModel, ConfigDict, Field


class ShelfSnapshotsConfig(BaseModel):
    """The options of `shelf-snapshots`."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    url: str = Field(repr=False)
    keep: int = Field(default=1, ge=1)
    keep_revisions: int = Field(default=2, ge=1)
