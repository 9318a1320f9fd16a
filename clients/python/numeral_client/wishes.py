"""What every call takes besides its images."""

from typing import Literal, TypedDict


class Wish(TypedDict, total=False):
    """How to read; what is left out, or None, the service decides.

    Attributes:
        model: name of the model that answers.
        max_error: error rate among accepted answers that is put up with, such as 0.001.
        request_id: up to 128 letters, digits, dots, underscores and dashes; otherwise a new one.
    """

    model: str | None
    max_error: float | None
    request_id: str | None


class DigitWish(Wish, total=False):
    """How to read digits.

    Attributes:
        preprocess: `auto` finds the ink; `none` takes 28x28 pixels, white on black, as they are.
    """

    preprocess: Literal["auto", "none"] | None


class FieldWish(Wish, total=False):
    """How to read fields, and what is known of them.

    Attributes:
        length: how many digits a field has.
        min_length: the fewest that it may have.
        max_length: the most that it may have.
        checksum: what its digits satisfy: `luhn` (card numbers) or `aba` (US routing numbers).
    """

    length: int | None
    min_length: int | None
    max_length: int | None
    checksum: Literal["luhn", "aba"] | None
