"""Edits of Python code that find their place by name and by code, whatever the layout."""

from interlock_conformance.mutation.edits import (
    CodeEdit,
    Edit,
    Edits,
    FileEdit,
    TextEdit,
)
from interlock_conformance.mutation.errors import EditError
from interlock_conformance.mutation.targets import Files, code_of

__all__ = ["CodeEdit", "Edit", "EditError", "Edits", "FileEdit", "Files", "TextEdit", "code_of"]
