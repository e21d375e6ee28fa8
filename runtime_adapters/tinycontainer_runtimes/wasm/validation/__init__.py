"""Our own validator of WebAssembly 2.0 without SIMD."""
