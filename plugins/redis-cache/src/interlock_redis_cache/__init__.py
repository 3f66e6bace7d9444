"""Interlock's cache on Redis and Valkey."""
