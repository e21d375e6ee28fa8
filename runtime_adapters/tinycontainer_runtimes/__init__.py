"""Runtime adapters: virtual machines behind TinyContainer's runtime interface."""
