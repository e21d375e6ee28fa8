"""What one container has of the inference service.

A *tenant* is a container as this service sees it: its execution contexts, the models that it
keeps, what they have cost, and one worker. An open descriptor leads to an *execution context*, or
*context* for short: one model with its inputs and outputs.
"""
