"""The EKS API of the local world, answered by us alone: of moto's EKS only the address is used.

`response.py` takes a request apart with botocore's own model and hands it to one function an operation, in the file of
its kind: `clusters.py`, `cluster_updates.py`, `encryption.py`, `access.py`, `pod_identity.py`, `insights.py`,
`versions.py`, `tags.py`, `updates.py`, `others.py`, and the folders `addons/` and `nodes/`. `region.py` holds the
clusters of a region and what all operations share (tokens, pages); `model.py` the resources; `checks.py` what AWS looks
up before it accepts; `progress.py` lets time pass; `networks.py` and `wiring.py` are the addresses, the security group
and the network interfaces of a cluster; `auto_mode.py` its settings for nodes on demand. Refusals (`refusals.py`) use
AWS's exceptions and, where known, its words.
"""
