"""The TinyML protocol (specs/tinyml.md): frames, and the contexts that they speak to."""
