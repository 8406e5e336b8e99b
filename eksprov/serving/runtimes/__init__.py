"""What can serve a model: one module a runtime, called as the config calls it, with a `RUNTIME` in it.

`base` says what a runtime is, `presets` finds them by name. `mlserver/` is what the flavours of MLServer share: how a
folder has to be laid out for it, and its two settings files. docs/adding-a-runtime.md adds one in six steps.
"""
