"""Where a rollout stands, and why it does not go on."""
