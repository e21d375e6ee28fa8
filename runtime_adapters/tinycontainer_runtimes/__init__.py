"""Runtime adapters: virtual machines that implement TinyContainer's runtime interface."""
