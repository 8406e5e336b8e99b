"""EKS's own container registries, one a region, which nodes pull from with their role. Data.

https://docs.aws.amazon.com/eks/latest/userguide/add-ons-images.html. Most regions of the partition `aws` share one
account; a region that is newer than this table is taken for one of them.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

USUAL: Final = "602401143452"
ACCOUNTS: Final[Mapping[str, str]] = {
    "af-south-1": "877085696533",
    "ap-east-1": "800184023465",
    "ap-east-2": "533267051163",
    "ap-south-2": "900889452093",
    "ap-southeast-3": "296578399912",
    "ap-southeast-4": "491585149902",
    "ap-southeast-5": "151610086707",
    "ap-southeast-6": "333609536671",
    "ap-southeast-7": "121268973566",
    "ca-west-1": "761377655185",
    "cn-north-1": "918309763551",
    "cn-northwest-1": "961992271922",
    "eu-central-2": "900612956339",
    "eu-south-1": "590381155156",
    "eu-south-2": "455263428931",
    "eusc-de-east-1": "877088126301",
    "il-central-1": "066635153087",
    "me-central-1": "759879836304",
    "me-south-1": "558608220178",
    "mx-central-1": "730335286997",
    "us-gov-east-1": "151742754352",
    "us-gov-west-1": "013241004608",
}
DOMAINS: Final[Mapping[str, str]] = {"cn": "amazonaws.com.cn", "eusc": "amazonaws.eu"}  # by a region's first word


def eks_registry(region: str) -> str:
    """The host that EKS's images are pulled from in a region."""
    domain = DOMAINS.get(region.split("-")[0], "amazonaws.com")
    return f"{ACCOUNTS.get(region, USUAL)}.dkr.ecr.{region}.{domain}"
