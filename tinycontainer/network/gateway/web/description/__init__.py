"""The resources over HTTP as data: what can be asked, with what, and what comes back."""
