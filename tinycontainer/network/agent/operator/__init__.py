"""The operator's side: a client, and answers that are read as untrusted."""
