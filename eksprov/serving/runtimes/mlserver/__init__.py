"""MLServer 1.7.1, whatever library its flavour serves: its container, the files that it reads in a model's folder.

flavour             what differs between flavours, and the runtime made of it
layout              the folder prepared: which file is the model, what is written beside it
settings, schema    `model-settings.json` and `settings.json`: read, judged, completed
"""
