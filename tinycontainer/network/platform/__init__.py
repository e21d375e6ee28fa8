"""The platform: a web service by which people of several organisations deploy containers together.

It holds no private key. What belongs to an organisation does not exist for the others.
"""
