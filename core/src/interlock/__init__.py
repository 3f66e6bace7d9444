"""Interlock: event-sourced aggregates that load fast, from snapshots and caches of one's choice."""
