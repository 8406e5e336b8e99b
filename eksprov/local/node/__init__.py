"""Nodes of the local world: what a kubelet does, without containers and without root.

In comes the contract's `NodeSpec` and whatever the real API server schedules; out go Node objects with leases and
conditions, pod status, events and logs. One `NodeAgent` (agent.py) serves all nodes of one cluster from one
thread with one asyncio loop. What stands in for an image is a value (containers/standins.py): a program, run as a local
process; the AWS CLI's `s3 sync`, a function of ours; or nothing, and its pods turn Ready. Every other image ends in
ErrImagePull with an event that says what is known.

    rest, events        the API server over plain HTTPS, watches included; Events as the kubelet writes them
    machine             pure: Node objects and their status
    fleet, supervision  which nodes and pods there are; no task of theirs ends silently
    nodes               nodes register, renew leases, become Ready once the CNI's pod runs, leave again
    pods, containers/   one task per pod, one per container
    network, kubelet    addresses, the kubelet's HTTPS endpoint
    desired, addons/    what EKS keeps in a cluster: the real objects of add-ons, bindings of access policies
    ondemand/           what EKS Auto Mode and Karpenter do for pods that find no node

Side effects: processes recorded in the cluster's folder so that they can be ended after a crash, files below that
folder (0700), sockets on 127.0.0.1. `docs/local-stand-ins.md` says what is not real.
"""
