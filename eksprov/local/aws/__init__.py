"""The AWS half of the local world: moto, and what it lacks for the life of an EKS cluster.

In come signed AWS requests, either in this process (`inprocess.py`, for tests in virtual time) or over HTTP on
127.0.0.1 (`server.py`, in the daemon); the same code answers both. From the ground up:

    refusal, clock, keys, latency, partitions, regions, sigv4, policy   what everything stands on
    quotas, conditions                                                  how the account is
    ec2/ and eks/                                                       what moto does not keep, and what takes time
    emulator        the account as one object, which holds all of it: clock, keys, calls, clusters
    base            what every response class knows: the account that answers, and who asks
    ec2/, iam/, eks/, services/      the response classes; `hooks.py` hangs them into moto from outside

Kubernetes is reached through `contract.KubernetesSide` alone. All state is in memory and dies with the process.
"""
