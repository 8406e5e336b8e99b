"""Requests that a model takes, made of what people have; and what comes back."""
