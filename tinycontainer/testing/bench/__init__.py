"""A device on the bench of a test: what the pytest plugin gives to those who write containers.

It is loaded when a test first asks for a device. Everything runs in virtual time and is judged as
on any device; the test plays the world around it: sensors, and the containers at the other end of
pipes.
"""
