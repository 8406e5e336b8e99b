"""The edge to AWS: clients made once, errors translated, tags, waiting, shared listings.

Everything of botocore stays in here and in `steps`.
"""
