"""The options of `shelf-cache`."""

from datetime import timedelta

from pydantic import BaseModel, ConfigDict, Field

from interlock.backends import Ttl


class ShelfCacheConfig(BaseModel):
    """The options of `shelf-cache`."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    url: str = Field(repr=False)
    size: int = Field(default=10_000, ge=1)
    ttl: Ttl = timedelta(hours=1)
