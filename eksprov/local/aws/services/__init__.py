"""The other services: what moto lacks of each, in a file of its own."""
