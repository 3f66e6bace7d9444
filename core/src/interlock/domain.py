"""The face for domain code."""

from interlock.aggregate import Aggregate
from interlock.command import Command
from interlock.errors import ConcurrencyError

__all__ = ["Aggregate", "Command", "ConcurrencyError"]
