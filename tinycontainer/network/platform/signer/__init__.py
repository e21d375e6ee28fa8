"""The signer's side: what a platform asks to have signed is read, shown, signed and remembered.

Nothing that a platform says is believed. What is shown comes from the bytes that are signed.
"""
