"""One YAML file to a running machine-learning service on Amazon EKS, and back to nothing.

`config` says what should be. Each step (`steps`, `serving`) can discover what is and desire what should be; one pure
diff in `core` names the difference. `plan` shows those differences; `provision` walks the same graph in parallel,
decides again with fresh readings, acts, reads back, and records each step in `state` the moment it is known. A model
on the cluster is more steps of the same kind, made from pure manifests. `local` stands in for the two outside worlds,
AWS and the nodes of Kubernetes, on this machine and behind the same network protocols; nothing else changes. `cli`
puts it all together and is the only part that knows which world a run means.
"""

__version__ = "0.1.0"
