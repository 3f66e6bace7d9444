"""The face for domain code."""

from interlock.aggregate import Aggregate, Command
from interlock.errors import ConcurrencyError

__all__ = ["Aggregate", "Command", "ConcurrencyError"]
