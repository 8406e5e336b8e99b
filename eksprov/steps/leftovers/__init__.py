"""What a cluster's controllers leave in AWS when the cluster goes: load balancers, volumes, instances, interfaces, …

`pieces` finds them by the controllers' own tags; `reclaiming` says which volumes may be deleted; `leftovers` is the
last step of a teardown, which deletes them.
"""
