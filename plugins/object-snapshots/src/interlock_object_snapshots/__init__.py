"""Interlock's snapshots as objects of an object storage."""
