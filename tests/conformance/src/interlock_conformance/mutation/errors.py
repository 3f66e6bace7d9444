"""The error of edits."""


class EditError(Exception):
    """An edit that can't be made, or that changes nothing."""
