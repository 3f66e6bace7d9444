"""Storage: records, codecs, the protocols of stores and the core's own stores."""
