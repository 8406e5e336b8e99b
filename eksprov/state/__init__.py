"""What eksprov remembers between runs: outputs, ownership and history; never the answer to "does it exist?".

`record` holds the frozen data; `codec` reads and writes its JSON. `store` keeps it in a file under a lock, written by
`files`; `s3_store` keeps it in S3 under the lease of `s3_lease`, written by `s3_objects`. `holder` says who has the
lock or the lease. `journal` and `s3_journal` keep the calls that are about to be sent. Losing the state loses nothing:
the tags on every resource rebuild it.
"""
