"""Many pictures in archives: a few thousand drawn digits, again and again under other names."""

from itertools import cycle, islice
from pathlib import Path
from zipfile import ZIP_STORED, ZipFile

from service.sizing.pictures import draw_digits

SIDE = 28
_DRAWN = 5_000
_IN_AN_ARCHIVE = 10_000


def write_archives(folder: Path, count: int) -> None:
    """Write `count` PNG files into archives in `folder`; each has another name."""
    folder.mkdir()
    pictures = cycle(draw_digits(min(count, _DRAWN), SIDE))
    for start in range(0, count, _IN_AN_ARCHIVE):
        # PNG is packed already.
        with ZipFile(folder / f"{start:09}.zip", "w", ZIP_STORED) as archive:
            few = min(_IN_AN_ARCHIVE, count - start)
            for number, picture in enumerate(islice(pictures, few), start):
                archive.writestr(f"{number:09}.png", picture)
