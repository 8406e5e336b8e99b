"""Managed node groups, and what they are made of.

`node_group` is the step and `facts` what is compared; `shape` derives it from the config, from what EC2 says of
`instances` and from `releases` of node images. `launch_template` (its contents: `launch_template_data`, `user_data`),
`placement_group` and `asg_tags` are steps beside it. `alternatives` are the other ways where AWS lacks capacity, which
`capacity` notices; `reservations` are capacity reserved before; `trouble` says what EKS reports.
"""
