"""The processes in which models run, one for each container."""
