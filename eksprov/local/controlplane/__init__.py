"""A real Kubernetes control plane for each local EKS cluster: etcd, API server, controllers, scheduler.

`find.py` looks for the programs (named by the user, or in the cache), `build.py` makes them once a machine from the
three Go files beside it (`go.mod`, `go.sum`, `main.go`) with the Go of `toolchain.py`, `process.py` runs them for one
cluster with the keys of `certs.py` and the command lines of `commands.py`. Two ways lead out of the API server, both
answered by us: `webhook.py` tells who an EKS token belongs to, `egress.py` carries what it sends to pods and nodes to
the local processes that stand for them. `record.py` remembers the processes, so that they can be ended after a crash
too. No root, no Docker; everything listens on 127.0.0.1 or on a unix socket.
"""
