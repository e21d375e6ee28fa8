"""The microcontroller.

`running` decides who runs and what follows, `calls` performs what containers ask for, `containers`
keeps what is loaded and judges what wants to be. Imports point in this order.
"""
