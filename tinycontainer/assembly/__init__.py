"""The composition root: a device file and what is installed become a device."""
