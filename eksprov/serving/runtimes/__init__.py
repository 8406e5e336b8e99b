"""What can serve a model, one module a runtime."""
