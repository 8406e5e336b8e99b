"""The lock file: versions and image digests that stay as they are until somebody moves them.

`lockfile` is the file and its form, `images` finds images in manifests and puts digests to them, `registry` asks a
registry what a tag means now. What a stack needs pinned, and where that is known from, is `operations.commands.lock`;
`operations.pinning` holds a run to the file.
"""
