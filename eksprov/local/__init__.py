"""The two outside worlds, AWS and Kubernetes, on this machine.

One background process on 127.0.0.1 answers the AWS protocols (moto and what it lacks, in `aws/`) and runs a
real Kubernetes control plane for every local EKS cluster (`controlplane/`), with nodes that run pods as local
processes (`node/`). `contract.py` says what the halves ask of one another; `home.py` where their files lie.
It knows nothing of the rest of eksprov but its errors: what else it needs, prices among it, it is given when it starts.
The command line's composition root imports it, and the config the names of its faults.
"""
