"""Whether a region exists: by the list that botocore brings along, before anything is asked of it.

A region that does not exist has no name in DNS, so a call to it would fail late and in words about the network.
"""

from __future__ import annotations

from difflib import get_close_matches

from eksprov import errors

SERVICE = "eks"


def refuse_unknown_region(region: str) -> None:
    """Refuse a region that does not exist. Raises: UsageError naming regions that are like it."""
    from botocore.session import get_session

    session = get_session()
    known = [
        name
        for partition in session.get_available_partitions()
        for name in session.get_available_regions(SERVICE, partition)
    ]
    if region in known:
        return
    near = get_close_matches(region, known, n=3, cutoff=0.6) or sorted(known)[:3]
    raise errors.UsageError(
        f"region {region!r} is not one in which AWS offers EKS, as far as the installed botocore knows",
        f"did you mean {', '.join(near)}? A region that is newer than botocore: pip install --upgrade boto3",
    )
