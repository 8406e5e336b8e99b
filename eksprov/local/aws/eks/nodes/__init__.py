"""Managed node groups, nodes on demand, and the instances behind both."""
