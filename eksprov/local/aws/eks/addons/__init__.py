"""EKS add-ons: `catalog.py` has their versions, `schemas.py` what they may be configured with, `operations.py` the
API.
"""
