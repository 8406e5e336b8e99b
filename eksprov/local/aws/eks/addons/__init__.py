"""EKS add-ons: their versions, the schemas of their configuration, and the operations on them."""
