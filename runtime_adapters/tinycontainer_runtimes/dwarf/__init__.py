"""Debug information of compilers (DWARF 2 to 5), read with pyelftools within bounds.

`sections` limits what the library may read, `scopes` finds functions and what is inlined into them,
`lines` reads line tables, and `reading` makes one table of all.
"""
