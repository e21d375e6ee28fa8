"""The resources of the gateway, by what they are about."""
