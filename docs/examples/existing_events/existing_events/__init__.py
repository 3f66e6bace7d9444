"""Interlock on a table of events that was there before."""
