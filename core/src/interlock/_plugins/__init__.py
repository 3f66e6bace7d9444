"""What distributions register: backends, strategies, codecs and extensions, by name."""
