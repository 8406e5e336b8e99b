"""What would go wrong later, found before the first create: quotas, permissions, offerings, versions, names, addresses.

`reading` asks AWS, side by side, and only reads; what it may not read it hands on as `Unread`, with the reason. The
checks are pure functions from what was read and from the lines of a plan to `Finding`s. A finding has a stable name, by
which the config may suppress it (`preflight.suppress`), a level, what is the matter and the cure. Errors stop a run
before its first create; what is unknown is said and stops nothing.
"""
