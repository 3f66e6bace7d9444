"""Parts shared by Interlock's SQL backends: options, connections, threads and dialects."""
