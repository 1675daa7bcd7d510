"""AWS's descriptions of its services, as botocore ships them, read by msgspec: they are megabytes of JSON, and
botocore's own reader takes three times as long for them (EC2's alone: 78 ms).
"""

from __future__ import annotations

import gzip
import os
from pathlib import Path
from typing import Any

import msgspec
from botocore.loaders import JSONFileLoader, Loader


class ServiceModels(JSONFileLoader):
    """JSON, as it is or compressed."""

    def load_file(self, file_path: str) -> Any:
        """None where there is no such file; `file_path`: without its ending. Members stand as in the file, which
        botocore needs.
        """
        plain, packed = Path(f"{file_path}.json"), Path(f"{file_path}.json.gz")
        if plain.is_file():
            return msgspec.json.decode(plain.read_bytes())
        if packed.is_file():
            return msgspec.json.decode(gzip.decompress(packed.read_bytes()))
        return None


def loader(data_path: str | None) -> Loader:
    """As botocore's own `create_loader`, with this reader. `data_path`: AWS_DATA_PATH, or data_path of a profile."""
    if data_path is None:
        return Loader(file_loader=ServiceModels())
    paths = [os.path.expanduser(os.path.expandvars(each)) for each in data_path.split(os.pathsep)]
    return Loader(extra_search_paths=paths, file_loader=ServiceModels())
