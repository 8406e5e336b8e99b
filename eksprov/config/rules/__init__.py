"""The rules between keys, a file a section; `eksprov.config.check` runs them all."""
