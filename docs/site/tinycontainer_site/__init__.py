"""Makes the documentation site from docs/, specs/, the program's own help, and docstrings.

1. `stage` collects the pages: those that people write, with their links made fit for the site, and
   the reference, which is generated (`reference/`).
2. `navigation` says which page is where, and that none is missing.
3. `building` gives them to Zensical, in its strict mode.

ADR 34 says why.
"""
