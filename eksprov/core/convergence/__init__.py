"""One step brought to its wanted state, or taken away: how, how long, and what is said where it cannot be."""
