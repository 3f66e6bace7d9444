"""The declarations of domain code: aggregates, commands, routes to methods, strategies."""
