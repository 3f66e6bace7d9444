"""An event store in a file, to be broken."""
