"""What eksprov remembers between runs: outputs, ownership and history; never the answer to "does it exist?".

`record` holds the frozen data; `codec` reads and writes its JSON; `store` keeps it in a file under a lock, `s3_store`
in S3 under a lease; `journal` and `s3_journal` keep what was about to be sent.
Losing the file loses nothing: the tags on every resource rebuild it.
"""
