"""What all deployments of models share.

`carriers` says which nodes can carry a model, `nodeless` that a cluster has none; `closing` asks each model for an
answer at the end; `states` tells how models are now.
"""
