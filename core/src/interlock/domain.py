"""The face for domain code."""

from interlock._model.aggregate import Aggregate
from interlock._model.command import Command
from interlock.errors import ConcurrencyError

__all__ = ["Aggregate", "Command", "ConcurrencyError"]
