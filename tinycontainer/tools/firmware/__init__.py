"""Files for the C firmware, and whether a container fits its boards."""
