"""What all tests of the core begin with."""

from outage_rig import no_settler
from revision_rig import imported, revision
from toml_rig import here

__all__ = ["here", "imported", "no_settler", "revision"]  # fixtures of more than one file
