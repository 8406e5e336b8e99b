"""What a command does, without the terminal: plan, provision, teardown, deploy and undeploy models.

`stack` opens a stack (state, identity, choices, steps); `apply` walks steps and records each outcome; the other
modules are one command each. The command line and the tests call the same functions.
"""
