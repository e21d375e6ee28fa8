"""The platform's pages, for people with a browser: rendered here, without any script."""
