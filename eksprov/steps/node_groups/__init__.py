"""Managed node groups: what EKS has of them, what their instances are, and how they may be had."""
