"""Recipes: how the containers of cases are made, the deliberately damaged ones too."""
