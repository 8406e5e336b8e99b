"""What a cluster's controllers leave in AWS, and what of it may go."""
