"""One rule for each operator on the list: its form, its shapes, its scales, and its work.

A rule refuses an operator with which native code could not be trusted. It returns the operator's
multiply-accumulates (MACs); an operator that has none counts the elements that it touches.

`node` has the checks that several operators share, `table` has the list, and each of the other
modules has the rules of one family.
"""
