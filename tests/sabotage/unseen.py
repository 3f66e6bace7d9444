"""The protections of the engine whose absence no history of the simulation shows, and why."""

UNSEEN: dict[str, str] = {}
