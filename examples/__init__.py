"""Example containers and devices: data that the program's demo runs."""
