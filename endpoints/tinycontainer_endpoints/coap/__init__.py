"""Remote endpoints: a resource on another machine, reached by CoAP."""
