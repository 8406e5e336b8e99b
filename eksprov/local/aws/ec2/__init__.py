"""EC2: what moto lacks of it.

`response.py` answers all requests, with the operations of the files named `*_actions` and of `spot.py`; `order.py` has
the deletions that EC2 refuses, and `held.py` what they are refused for. The others keep what moto does not: what is in
motion, what was made with which client token (`nat.py`, `endpoints.py`, `ipv6.py`, `templates.py`, `reservations.py`),
and which instance types EC2 has no capacity for (`capacity.py`).
"""
