"""The EKS API of the local world, answered by us alone: of moto's EKS only the address is used.

`response.py` takes a request apart with botocore's own model and hands it to one function an operation, in the
file of its kind; `region.py` holds the clusters of a region and what all operations share (tokens, pages);
`model.py` the resources; `checks.py` what AWS looks up before it accepts; `progress.py` lets time pass;
`fleet.py` the Auto Scaling groups, instances and nodes behind node groups; `wiring.py` the security group and the
network interfaces behind a cluster. Refusals use AWS's exceptions and, where known, its words.
"""
