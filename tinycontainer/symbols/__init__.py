"""Debug files, which say where the bytes of a code section come from, and directories of them."""
