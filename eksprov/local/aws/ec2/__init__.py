"""EC2: what moto lacks of it.

`response.py` is the door; of the other files, those named `*_actions` are operations, the rest is what moto does not
keep: what is in motion, what was made with which client token, what is short.
"""
