"""What every WebAssembly engine shares: admission, native calls, fuel, trap codes."""
