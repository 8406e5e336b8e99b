"""What keeps things: the bucket of models, the repository of images, the key of secrets."""
