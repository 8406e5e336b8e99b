"""Decides: what differs, what comes first, what is proven. No clock, no network, no files.

`step` is the contract that every kind of resource keeps, with the words of `resource`, `replacement`, `billing` and
`names`; `change` compares what is wanted with what is there, `tagging` its tags. `convergence` brings one step to its
wanted state and proves it by reading back, or removes it; `outcome` is the result. `executor` walks the graph of steps
in parallel, and `remaining` reckons how long that still takes; `plan` shows the same differences without touching
anything, in sentences made by `describing` and `words`.
"""
