"""The specification: text and tables, as data."""
