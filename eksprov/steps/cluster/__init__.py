"""The cluster's control plane, and what all kinds of EKS share: reading, updates, rights."""
