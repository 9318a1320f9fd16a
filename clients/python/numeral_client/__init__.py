"""Calls Numeral, the service that reads handwritten digits.

from numeral_client import Client

with Client("http://127.0.0.1:8000") as numeral:
    print(numeral.predict("digit.png").digit)
"""

from numeral_client import errors
from numeral_client.answers import (
    BatchFailure,
    BatchField,
    BatchPrediction,
    FieldAlternative,
    FieldDigit,
    Health,
    Prediction,
    ReadField,
)
from numeral_client.async_client import AsyncClient
from numeral_client.cards import ModelDetail, ModelSummary
from numeral_client.client import Client
from numeral_client.family import (
    NumeralError,
    ProblemError,
    TimedOut,
    UnexpectedAnswer,
    Unreachable,
    UnusableImage,
)
from numeral_client.images import Image, Item, Pixels
from numeral_client.kept import KeptFeedback, KeptPrediction
from numeral_client.problem import Problem
from numeral_client.reader_cards import ModelList, ReaderDetail, ReaderSummary
from numeral_client.retry import Retry

__all__ = [
    "AsyncClient",
    "BatchFailure",
    "BatchField",
    "BatchPrediction",
    "Client",
    "FieldAlternative",
    "FieldDigit",
    "Health",
    "Image",
    "Item",
    "KeptFeedback",
    "KeptPrediction",
    "ModelDetail",
    "ModelList",
    "ModelSummary",
    "NumeralError",
    "Pixels",
    "Prediction",
    "Problem",
    "ProblemError",
    "ReadField",
    "ReaderDetail",
    "ReaderSummary",
    "Retry",
    "TimedOut",
    "UnexpectedAnswer",
    "Unreachable",
    "UnusableImage",
    "errors",
]
