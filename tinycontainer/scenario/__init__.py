"""Scripts drive a device through a run; expectations judge its trace."""
