"""Names in the key of a server's table, and of the server in messages."""

import hashlib

from sqlalchemy import URL

from interlock_sqlalchemy.columns import NAME_BYTES


def short_name(name: str) -> str:
    """The name, or its hash if it doesn't fit into a key; equal only for equal names."""
    if "\0" not in name and not name.startswith("#") and len(name.encode()) <= NAME_BYTES:
        return name
    return "#" + hashlib.blake2b(name.encode(), digest_size=32).hexdigest()


def spoken(url: URL) -> str:
    """What messages call the database: no user, no password."""
    name = URL.create(url.get_backend_name(), host=url.host, port=url.port, database=url.database)
    return name.render_as_string()
