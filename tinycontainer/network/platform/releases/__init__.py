"""What four parties sign together, and how far it is: no network, no database."""
