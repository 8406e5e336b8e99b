"""Nodes of the local world: what a kubelet does, without containers and without root.

In comes the contract's `NodeSpec` and whatever the real API server schedules; out go Node objects with leases and
conditions, pod status, events and logs. One `NodeAgent` (agent.py) serves all nodes of one cluster from one
thread with one asyncio loop. Pods whose images are known (images.py) run as local processes or, for the AWS
CLI's `s3 sync`, as a function of ours; declared system images (standins.py) turn Ready without running anything; every
other image ends in ErrImagePull with an event that says what is known.

    rest, events        the API server over plain HTTPS, watches included; Events as the kubelet writes them
    machine             pure: Node objects and their status
    nodes               nodes register, renew leases, become Ready once the CNI's pod runs, leave again
    pods, containers    one task per pod, one per container; probes, back-off, deletion with grace
    states, probes      pure: pod status from container states; a probe's counting
    volumes, environment, paths     volumes become folders, container paths become host paths
    images, standins, awscli, executions, processes     what an image stands for and how it is run
    network, identity, kubelet, logs     addresses, pod credentials, the kubelet's HTTPS endpoint, log files
    addons              the real objects of EKS add-ons

Side effects: processes recorded in the cluster's folder so that they can be ended after a crash, files below that
folder (0700), sockets on 127.0.0.1. `docs/local-stand-ins.md` says what is not real.
"""
