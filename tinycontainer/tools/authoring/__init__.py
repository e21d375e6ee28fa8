"""What authors of containers begin with: new directories, compilers, and builds."""
