"""Secure update by IETF SUIT: the codec of envelopes, and the processor that applies them.

Nothing in here knows CoAP, files or a device: the processor works on `Updatable`
(`tinycontainer.interfaces.updating`), which the device implements.
"""
