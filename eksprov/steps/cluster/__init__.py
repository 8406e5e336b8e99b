"""The cluster's control plane, and what all kinds of EKS share.

`cluster` is the step and `facts` what is compared; `endpoint` closes the public endpoint at the end of a run that asks
for it; `auto_mode` and `settled` are settings of the cluster. `network` finds what EKS makes in the VPC;
`nodes_on_demand` is what must leave before the cluster does. Shared: `reading`, `updates` (of EKS, which go on by
themselves) and `rights`.
"""
