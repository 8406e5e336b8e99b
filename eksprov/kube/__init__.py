"""The edge to Kubernetes: one small protocol, its implementation, kubeconfig files and tokens.

`api` says what is asked of an API server; `client` asks it, at the paths of `resources`; `faults` puts its refusals
into our words; `token` makes the bearer token that EKS accepts. `objects` is any object as a step: `owned` cuts a live
one down to the fields we set, `order` ranks kinds, `describing` is for the plan, `blockers` says what keeps pods from
running. `kubeconfig` merges one entry into a file. Side effects are in `client` (HTTPS) and `kubeconfig` (one file)
alone.
"""
