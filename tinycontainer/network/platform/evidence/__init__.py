"""What devices prove of themselves: asked for, checked, kept, and shown to whom it concerns."""
