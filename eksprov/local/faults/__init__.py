"""What goes wrong with AWS, on purpose: for the local world and for tests, by name and seed.

A `FaultPlan` is data: which fault, at which call, with which seed. `Faults` stands round the emulator and carries the
plan out: it refuses, delays, loses, repeats, or hides for a while what was only just made. `wire` knows how each of
AWS's protocols spells an error. `lag` is eventual consistency, `buckets` is request throttling, `fates` are resources
that end badly. The same plan holds inside one process and in the server.
"""
