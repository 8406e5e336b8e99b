"""The network of a stack: its own (`vpc`, `subnet`, `nat_gateway`, …) or existing (`existing_vpc`, `existing_subnet`).

`ec2` is what all kinds of EC2 share, since EC2 finds them by tags alone; `rights` says what IAM must allow for them;
`strangers` names what others have put into a VPC or subnet and keeps it from being deleted; `existing_network` checks,
before the first create, whether an existing VPC is fit for a cluster.
"""
