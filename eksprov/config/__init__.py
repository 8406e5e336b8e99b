"""What should be: `eksprov.yaml` as frozen, checked data.

`schema` is the shape, with a meaning and a unit for every key; `load` turns YAML into it and names all problems at
once, each with its line; `check` holds the rules between keys. Nothing here talks to the network.
"""
