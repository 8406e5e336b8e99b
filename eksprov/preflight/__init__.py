"""What would go wrong later, found before the first create: quotas, permissions, offerings, versions, names, addresses.

`reading` asks AWS, side by side, and only reads; `facts` is what it has read, and what it may not read it hands on as
`Unread`, with the reason. `references` looks up what the config names and does not make (by `lookups`), `reserved` and
`disk_keys` what node groups need. `need` counts what a plan adds. The checks (`quotas`, `checks`, `system_pods`) are
pure functions from facts and lines of a plan to `findings`. A finding has a stable name, by which the config may
suppress it (`preflight.suppress`), a level, what is the matter and the cure. Errors stop a run before its first create;
what is unknown is said and stops nothing.
"""
