"""What goes wrong with AWS, on purpose: for the local world and for tests, by name and seed.

A `FaultPlan` is data: which fault, at which call, with which seed. `Faults` stands round the emulator and carries the
plan out: it refuses, delays, loses, repeats, or hides for a while what was only just made. `plan` has these data,
`inject` carries them out, `wire` knows how each of AWS's protocols spells an error. `lag` is eventual consistency,
`buckets` is request throttling, `fates` are resources that end badly, `left` is what controllers leave. `names` lists
the faults that a user can name, `named` does them in a running world, switched by `switchboard`. The same plan holds
inside one process and in the server.
"""
