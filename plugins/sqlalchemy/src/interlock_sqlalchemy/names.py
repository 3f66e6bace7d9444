"""Names in the key of a server's table, and of the server in messages."""

import hashlib

from sqlalchemy import URL

from interlock_sqlalchemy.columns import NAME_BYTES


def short_name(name: str) -> str:
    """Shorten a name that doesn't fit into a key to its hash; equal only for equal names."""
    if "\0" not in name and not name.startswith("#") and len(name.encode()) <= NAME_BYTES:
        return name
    return "#" + hashlib.blake2b(name.encode(), digest_size=32).hexdigest()


def display_url(url: URL) -> str:
    """Write the URL for messages, without user and password."""
    found = URL.create(url.get_backend_name(), host=url.host, port=url.port, database=url.database)
    name, hosts = found.render_as_string(), url.query.get("host", ())
    several = hosts if isinstance(hosts, str) else ",".join(hosts)
    return name.replace("://", f"://{several}", 1) if url.host is None else name
