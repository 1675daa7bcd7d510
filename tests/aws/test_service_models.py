"""botocore's descriptions are read as botocore reads them, only faster."""

from __future__ import annotations

import json
from pathlib import Path

import botocore.loaders
import botocore.session
import pytest

from nhi_revoke_aws.service_models import ServiceModels, loader

SERVICES = ("iam", "ec2", "sts", "cloudtrail", "lambda")


@pytest.mark.parametrize("service", SERVICES)
def test_the_same_in_the_same_order(service: str) -> None:
    theirs = botocore.loaders.Loader().load_service_model(service, "service-2")
    ours = loader(None).load_service_model(service, "service-2")
    assert json.dumps(ours) == json.dumps(theirs)


def test_endpoints_and_what_is_not_there() -> None:
    theirs, ours = botocore.loaders.Loader(), loader(None)
    assert json.dumps(ours.load_data("endpoints")) == json.dumps(theirs.load_data("endpoints"))
    assert ours.list_available_services("service-2") == theirs.list_available_services("service-2")
    for each in (ours, theirs):
        with pytest.raises(botocore.loaders.UnknownServiceError):
            each.load_service_model("no-such-service", "service-2")
    assert ServiceModels().load_file("/nowhere/at/all") is None
    assert not ServiceModels().exists("/nowhere/at/all")


def test_the_operators_own_folder_goes_first(tmp_path: Path) -> None:
    """AWS_DATA_PATH, as botocore has it; plain JSON before what is compressed."""
    folder = tmp_path / "iam" / "2010-05-08"
    folder.mkdir(parents=True)
    (folder / "service-2.json").write_text('{"metadata": {"mine": true}}')
    made = loader(str(tmp_path))
    assert made.load_data("iam/2010-05-08/service-2") == {"metadata": {"mine": True}}
    theirs = botocore.loaders.create_loader(str(tmp_path))
    assert made.search_paths == theirs.search_paths
