"""The edge gateway: CoAP to devices, HTTP to everybody else.

It knows who is there (`directory/`), carries requests to devices and waits for those that sleep
(`devices/`), and answers over HTTP (`web/`). It holds no key of a stakeholder: it can delay or drop
what passes through it, and forge nothing.
"""
