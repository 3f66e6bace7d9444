"""The inputs of a revision: the source and the classes that decide a state."""
