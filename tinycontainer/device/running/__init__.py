"""Who runs, and what follows when a hook ends."""
