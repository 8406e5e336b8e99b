"""The edge to Kubernetes: one small protocol, its implementation, kubeconfig files and tokens.

`api` says what is asked of an API server, `client` asks it, `faults` puts its refusals into our words; `token` makes
the bearer token that EKS accepts; `owned` cuts a live object down to the fields we set; `order` ranks kinds;
`kubeconfig` merges one entry into a file. Side effects are in `client` (HTTPS) and `kubeconfig` (one file) alone.
"""
