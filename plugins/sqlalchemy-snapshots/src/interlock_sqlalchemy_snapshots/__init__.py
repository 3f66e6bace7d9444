"""Interlock's snapshots in a SQL database."""
