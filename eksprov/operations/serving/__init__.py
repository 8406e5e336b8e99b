"""What holds for every deployment of models: who can carry them, how they are, what they answer at the end."""
