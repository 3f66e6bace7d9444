"""What all tests of the core begin with."""

from revision_rig import imported, revision
from toml_rig import here

__all__ = ["here", "imported", "revision"]  # fixtures of more than one file
