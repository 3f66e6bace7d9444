"""A snapshot store in a file, to be broken."""
