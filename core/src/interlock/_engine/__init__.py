"""Loads and commands: reads of the cache, the snapshots and the stream, folds, writes."""
