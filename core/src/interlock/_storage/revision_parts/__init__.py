"""What a revision is computed from: the source and the classes that decide a state."""
