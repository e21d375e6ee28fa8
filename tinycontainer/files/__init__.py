"""Files that people write: bounded, checked TOML, and the fields that such files share."""
