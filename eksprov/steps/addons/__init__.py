"""EKS add-ons: `addon` is the step.

`versions` says which version fits the cluster's, `configuration` holds the config's values to the add-on's JSON schema,
`checks` asks EKS about both before a run; `roles` are the add-ons' IAM roles; `trouble` says what EKS reports.
"""
