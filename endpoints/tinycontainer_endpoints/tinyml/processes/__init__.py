"""The processes in which models run.

A *worker* is a process that interprets the models of one container and of no other. A *nursery*
makes workers. It holds nothing of any container, so everything that uses the same interpreter
shares it. Where the system can fork, the nursery keeps a *zygote*: a process that has imported the
interpreter and seen nothing else, from which workers are forked. Elsewhere the nursery spawns each
worker as a program.

The device's side is in `worker`, `zygote`, `nursery` and `starting`. The programs that run in those
processes are `worker_process` and `zygote_process`. They share `wire` and `backends`, and import
nothing of the device.
"""
