"""The AWS half of the local world: moto, and what it lacks for the life of an EKS cluster.

In come signed AWS requests, either in this process (`inprocess.py`, for tests in virtual time) or over HTTP on
127.0.0.1 (`server.py`, in the daemon); the same code answers both. `hooks.py` hangs our response classes into
moto from outside; `emulator.py` holds what they share: clock, latencies, keys, calls, clusters. What is ours:

    eks/            the EKS API: refusals that AWS documents, transitions that take time, real security groups,
                    network interfaces, Auto Scaling groups and instances behind clusters and node groups
    ec2, ec2_order  NAT gateways that take time; deletions in a wrong order refused
    iam, s3, sts    what moto accepts or forgets there
    keys, sigv4, eks_token, policy   who asks, and what a pod's role may do

Kubernetes is reached through `contract.KubernetesSide` alone. All state is in memory and dies with the process.
"""
