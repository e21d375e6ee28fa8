"""``tinyml``: inference as a host service (`driver.TinyML`).

Nothing is imported before it is needed: the processes in which models run import parts of this
package and have to stay small.
"""
