"""What Interlock's SQL backends share: options, connections, threads and dialects."""
