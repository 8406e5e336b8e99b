"""Plans, outcomes and findings as text and as JSON."""
