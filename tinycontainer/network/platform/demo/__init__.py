"""The demo of the platform: its people, its gateway and boxes, and the story that they play."""
