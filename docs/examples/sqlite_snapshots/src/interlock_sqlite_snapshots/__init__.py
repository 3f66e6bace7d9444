"""Interlock's snapshots in a SQLite file."""
