"""What eksprov remembers between runs: outputs, ownership and history; never the answer to "does it exist?".

`record` holds the frozen data; `codec` reads and writes its JSON; `store` keeps it in a file, under a lock.
Losing the file loses nothing: the tags on every resource rebuild it.
"""
