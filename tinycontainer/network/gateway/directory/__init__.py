"""Who is there: a CoRE Resource Directory (RFC 9176)."""
