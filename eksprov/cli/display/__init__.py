"""What a run shows while it works, in lines or drawn in place."""
