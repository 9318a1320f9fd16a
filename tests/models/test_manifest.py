"""Files of the service that are no regular files: reading one might never end."""

import os
import socket

import pytest

from models.manifest import (
    PACKAGE_DIRECTORY,
    ManifestError,
    ModelFileError,
    load_manifest,
    read_model_file,
)
from service.auth.api_keys import KeysFileError, load_keys

CARD = load_manifest(PACKAGE_DIRECTORY).models[0]


@pytest.mark.parametrize(
    "make",
    [
        os.mkfifo,
        os.mkdir,
        lambda path: path.symlink_to("/dev/null"),
        lambda path: socket.socket(socket.AF_UNIX).bind(str(path)),
    ],
    ids=["FIFO", "directory", "device", "socket"],
)
@pytest.mark.parametrize(
    ("name", "read", "error"),
    [
        ("manifest.json", lambda path: load_manifest(path.parent), ManifestError),
        (CARD.file, lambda path: read_model_file(path.parent, CARD), ModelFileError),
        ("keys.jsonl", load_keys, KeysFileError),
    ],
)
def test_only_regular_files_are_read(tmp_path, make, name, read, error):
    path = tmp_path / name
    make(path)

    with pytest.raises(error, match=rf"^{path}: cannot be read.*not a regular file[^\n]*$"):
        read(path)
