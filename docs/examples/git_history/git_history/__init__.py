"""The line counts of every file of a git repository, as event-sourced aggregates."""
