"""Nodes on demand: what EKS Auto Mode, and Karpenter where it runs, do for pods that find no node.

`demand` says what a pod asks of a node and whether one fits, `pools` what the objects of Karpenter's API look like,
`choice` which pool and instance types serve which pods: all pure. `provisioner` watches, has the AWS half launch and
end instances, and keeps a NodeClaim for each. Far simpler than the real ones: smallest type first, no consolidation
but of empty nodes, no drift, no expiry, no disruption budgets.
"""
