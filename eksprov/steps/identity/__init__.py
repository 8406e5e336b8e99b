"""Who may do what: roles of IAM, ways into the cluster, pod identity."""
