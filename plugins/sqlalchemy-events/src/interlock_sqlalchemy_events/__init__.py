"""Interlock's event store in a SQL database."""
