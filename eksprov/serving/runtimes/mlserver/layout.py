"""A model's folder as MLServer wants it: which file is the model, and `model-settings.json` beside it, derived, or
completed where the folder has one that leaves something open. What could not be served is refused.

https://mlserver.readthedocs.io/en/stable/reference/model-settings.html
"""

from __future__ import annotations

from typing import Final

from eksprov.serving.inspection.contents import Contents
from eksprov.serving.inspection.folder import Folder
from eksprov.serving.runtimes.base import Prepared
from eksprov.serving.runtimes.mlserver.candidates import the_model
from eksprov.serving.runtimes.mlserver.flavour import Flavour
from eksprov.serving.runtimes.mlserver.server_settings import judged
from eksprov.serving.runtimes.mlserver.settings import completed, read_settings

# MLServer's start-up script unpacks it into its working directory, which is read-only here, and so the server ends
# (https://github.com/SeldonIO/MLServer/blob/1.7.1/hack/activate-env.sh).
ENVIRONMENT: Final = "environment.tar.gz"


def prepared(flavour: Flavour, folder: Folder) -> Prepared:
    """The settings file that is missing or incomplete, and what is known of the model. Raises: UsageError."""
    if ENVIRONMENT in folder.paths:
        raise folder.wrong(
            f"{folder.root / ENVIRONMENT} is an environment of its own, which the server cannot unpack here",
            f"take it out, and train with the libraries of {folder.runtime.name}: {folder.runtime.carries}",
        )
    server, settings = (*folder.hiding(), *judged(folder)), read_settings(flavour, folder)
    model = settings.model or (None if settings.foreign else the_model(flavour, folder))
    if model is None:
        contents = Contents()
    elif settings.foreign:  # a class of the user's own loads the file, whatever it is
        contents = Contents((folder.root / model).stat().st_size)
    else:
        contents = flavour.look(model, folder, settings.method)
    content = completed(flavour, settings, model, folder, contents.inputs)
    files = {} if content is None else {settings.path: content}
    return Prepared(files, (*server, *settings.warnings, *contents.warnings), contents.loaded_bytes)
