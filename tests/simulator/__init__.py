"""The real product in one process, on an emulated account, in virtual time, under one seeded scheduler.

`scheduler` lets exactly one thread run at a time and picks the next by the seed; `disk` keeps a folder as a disk would
keep it over a power cut; `machine` starts and kills processes of the product; `oracles` judge what is left, from the
account itself and never through the steps; `stems` are warmed processes that each scenario is forked from; `rows` are
the scenarios.
"""
