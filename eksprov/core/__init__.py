"""Decides: what differs, what comes first, what is proven. No clock, no network, no files.

`change` compares what is wanted with what is there; `step` is the contract every resource kind keeps;
`converge` brings one step to its wanted state and proves it by reading back, or removes it; `executor` walks the
graph of steps in parallel; `plan` shows the same differences without touching anything; `pace` says how long to
pause between two readings.
"""
