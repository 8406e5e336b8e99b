"""A region that does not exist is refused before anything is asked of it."""

from __future__ import annotations

import pytest

from eksprov import errors
from eksprov.aws.regions import refuse_unknown_region


@pytest.mark.parametrize("region", ["us-west-2", "us-gov-west-1", "cn-north-1", "eusc-de-east-1", "us-iso-east-1"])
def test_a_region_of_any_partition_is_known(region: str) -> None:
    refuse_unknown_region(region)


def test_a_region_that_does_not_exist_is_refused_with_those_that_are_like_it() -> None:
    with pytest.raises(errors.UsageError) as refused:
        refuse_unknown_region("us-wets-2")
    assert "us-west-2" in refused.value.hint
