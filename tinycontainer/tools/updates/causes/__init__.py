"""The likely causes of refused updates, found by experiments: each tries one usual mistake."""
