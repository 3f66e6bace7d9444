"""Which code decides a state: read from loaded objects, in a form that every process computes."""
