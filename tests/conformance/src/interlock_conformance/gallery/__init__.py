"""Backends broken on purpose, one edit each, and the correct ones that they are made from."""
