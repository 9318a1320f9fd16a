"""Why there is no picture where one was listed, beside what is wrong with the picture itself."""

from typing import Self

from service.imaging import UnreadableImage


class UnreadableFile(UnreadableImage):
    """The file is missing, is no file, or may not be read."""

    slug = "unreadable-file"

    @classmethod
    def of(cls, error: OSError) -> Self:
        """What the system says."""
        return cls(f"the file cannot be read ({error.strerror})")


class FileTooLarge(UnreadableImage):
    """The file has more bytes than are read."""

    slug = "file-too-large"

    @classmethod
    def of(cls, size: int, most: int) -> Self:
        """A file of `size` bytes where `most` are read."""
        return cls(
            f"the file has {size} bytes; at most {most} are read: NUMERAL_MAX_BODY_BYTES sets it"
        )


class UnreadableArchive(UnreadableImage):
    """The file is no ZIP archive, or one of its members cannot be unpacked."""

    slug = "unreadable-archive"


class UnreadableArray(UnreadableImage):
    """The file is no array of pictures."""

    slug = "unreadable-array"


class InternalError(UnreadableImage):
    """A fault of the program, not of the picture."""

    slug = "internal-error"
