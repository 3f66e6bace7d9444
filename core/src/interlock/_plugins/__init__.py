"""Plugins: the backends, strategies, codecs and extensions of distributions, by name."""
