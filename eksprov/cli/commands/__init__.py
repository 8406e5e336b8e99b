"""The commands, one small file each, each with `command`; imported only when asked for (see `app.COMMANDS`)."""
