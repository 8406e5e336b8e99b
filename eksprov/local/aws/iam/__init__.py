"""IAM and STS: what moto accepts or forgets there, and by which rights a request is allowed.

`response.py` is IAM and `sts.py` STS; `service_roles.py` makes service-linked roles; `guard.py` holds sessions to their
roles' policies, `simulate.py` is the policy simulator.
"""
