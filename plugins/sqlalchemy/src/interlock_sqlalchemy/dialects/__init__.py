"""Everything in which databases differ, a module for each, and the choice among them."""

from interlock_sqlalchemy.dialects.choice import connect, dialect_named, url_of
from interlock_sqlalchemy.dialects.mysql import MySQL
from interlock_sqlalchemy.dialects.postgresql import PostgreSQL
from interlock_sqlalchemy.dialects.sqlite import SQLite

__all__ = ["MySQL", "PostgreSQL", "SQLite", "connect", "dialect_named", "url_of"]
