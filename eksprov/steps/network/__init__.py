"""The network of a stack, made or existing; and what all kinds of EC2 share: reading by tags, rights."""
