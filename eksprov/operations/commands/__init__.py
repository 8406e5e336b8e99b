"""What commands ask for: one file a command, or a few that ask for the same. Each works on an opened stack."""
