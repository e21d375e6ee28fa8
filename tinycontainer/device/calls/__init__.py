"""What a system call may do: the service, its tables, and the started container that calls."""
