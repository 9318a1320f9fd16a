"""Pictures in a .npy file, mapped into memory: it may be larger than that."""

import numpy as np
from numpy.lib.format import open_memmap
from numpy.typing import NDArray

from service.scoring.errors import UnreadableArray

# numpy.save writes 128 bytes for such an array.
_LONGEST_HEADER = 1024

_WANTED = "save uint8 [N, height, width], a grey picture each"


def is_array(path: str) -> bool:
    """Whether the file at `path` is named like an array."""
    return path.lower().endswith(".npy")


def open_array(path: str) -> NDArray[np.uint8]:
    """The pictures of the .npy file at `path`: uint8 [N, height, width], read as they are used.

    Raises:
        UnreadableArray: it cannot be opened, is no .npy file, or holds something else.
    """
    try:
        array = open_memmap(path, mode="r", max_header_size=_LONGEST_HEADER)
    except OSError as error:
        raise UnreadableArray(f"the file cannot be opened ({error.strerror})") from error
    except Exception as error:
        # The header is a Python literal: a damaged one makes its parser raise nearly anything.
        raise UnreadableArray(f"it is no whole .npy file; {_WANTED}") from error
    if array.dtype != np.uint8 or array.ndim != 3 or 0 in array.shape:
        found = f"{array.dtype} {list(array.shape)}"
        raise UnreadableArray(f"the array is {found:.100}; {_WANTED}")
    return array
