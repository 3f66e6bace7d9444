"""Interlock's cache for the processes of one machine, on LMDB."""
