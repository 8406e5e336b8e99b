"""EKS add-ons: which versions fit, what configuration their schema takes, whose rights they have."""
