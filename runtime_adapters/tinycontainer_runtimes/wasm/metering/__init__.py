"""Where code is charged and can stop: its lines, modules rewritten for that, and the way back."""
