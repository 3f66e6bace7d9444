"""What stores keep and how: records, codecs, the protocols of stores and the core's own stores."""
