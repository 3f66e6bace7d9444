"""Interlock's streams of events in a SQLite file."""
