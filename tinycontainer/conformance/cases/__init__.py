"""Cases: what the TOML files under `specs/conformance/cases/` hold."""
