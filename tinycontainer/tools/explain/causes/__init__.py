"""The likely causes of refusals, found by experiments: each tries one usual mistake."""
