"""The edge to AWS: everything of botocore stays in here and in `steps`.

`session` is what a step is handed: `clients` made once, the owner to be written into `tags`, and the `inventory` of
listings that a run shares. `faults` puts errors of AWS into our words; `waiting` is patient with those that pass by
themselves. `tagging` and `tagging_nodes` change tags of what exists; `rights` are the words in which a kind says what
IAM must allow. `regions` and `proxies` look at what a call would fail on, before it is made.
"""
