"""One step: its resource brought to its wanted state, or removed.

`converge` does it for every kind; the rest is what some kinds need besides. `alternatives` tries the choices of a
step with `no_capacity` and hands values on with `succession`; `external` is for resources of others; `displacing` says
what must be deleted for a resource to be made again; `updates` is for changes of more than one call. `ledger` is what a
run must be able to record; `pace` and `motion` say how long to wait; `messages` what is said where it cannot be done.
"""
