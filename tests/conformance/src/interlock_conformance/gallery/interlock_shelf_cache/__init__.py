"""A cache in a file, to be broken."""
