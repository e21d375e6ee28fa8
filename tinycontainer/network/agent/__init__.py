"""The agent: a device that is managed over CoAP.

What a request asks for and what it is answered is decided by values (`message`), without a network;
`coap_server` is the only module that knows one.
"""
