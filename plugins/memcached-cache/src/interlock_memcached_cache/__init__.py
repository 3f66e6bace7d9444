"""Interlock's cache on memcached."""
