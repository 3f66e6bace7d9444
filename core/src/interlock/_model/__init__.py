"""What domain code declares: aggregates, commands, routes to methods, strategies."""
