"""A model's folder looked into, and never run: what it is, what it needs, what is uploaded of it."""
