"""The options of `shelf-events`."""

from pydantic import BaseModel, ConfigDict, Field


class ShelfEventsConfig(BaseModel):
    """The options of `shelf-events`."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    url: str = Field(repr=False)
    namespace: str = "default"
