"""Who may do what: IAM roles, access entries to the cluster, pod identity associations.

Kinds: `iam_role`, `existing_role`, `service_linked_role`, `access_entry`, `node_access_entry` (where EKS makes it) and
`pod_identity_association`. `roles` and `karpenter_roles` say what each role of a stack may do; `policy_json` makes
policies comparable; `principal` finds the caller's role for an access entry.
"""
