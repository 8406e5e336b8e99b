"""Managed node groups, nodes on demand, and the instances behind both.

`nodegroups.py` and `nodegroup_updates.py` are the operations; `fleet.py` has the Auto Scaling groups, instances and
nodes behind a group, `launches.py` how it gets instances, `supply.py` whether EC2 has any; `kinds.py` is what a node is
by its instance type; `templates.py` and `disk_keys.py` are a group's launch template and keys. `on_demand.py` has the
instances that EKS Auto Mode or Karpenter launches.
"""
