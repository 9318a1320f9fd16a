"""Connectionist temporal classification, also for strips without labelled separators.

Graves, Fernandez, Gomez and Schmidhuber, "Connectionist Temporal Classification", ICML 2006. If
separators are not labelled, the blank includes them and other signs: its probability is the sum of
its own and theirs, so any of them between the digits is right. A fraction is not, because a 1 taken
for a slash would then cost little.
"""

import keras
import numpy as np
from keras import ops

from models.strips import BLANK, DIGITS, FRACTIONS, SYMBOLS

_FREE = np.array([True, *(symbol not in DIGITS + FRACTIONS for symbol in SYMBOLS)])
_NEVER = -1e4  # a logit with no effect on the softmax


def ctc(targets: keras.KerasTensor, logits: keras.KerasTensor) -> keras.KerasTensor:
    """Return the loss [N] of logits [N, steps, classes] for `training.reader.targets`.

    Padding counts: its target is the blank.
    """
    labelled, classes = targets[:, 0], targets[:, 1:]
    free = _blank_for_separators(logits)
    logits = ops.where(ops.equal(labelled, 1)[:, None, None], logits, free)
    lengths = ops.sum(ops.cast(ops.not_equal(classes, BLANK), "int32"), axis=1)
    steps = ops.full_like(lengths, 1) * ops.shape(logits)[1]
    return ops.ctc_loss(classes, logits, lengths, steps, mask_index=BLANK)


def _blank_for_separators(logits: keras.KerasTensor) -> keras.KerasTensor:
    either = ops.logsumexp(ops.where(_FREE, logits, _NEVER), axis=-1, keepdims=True)
    return ops.concatenate([either, ops.where(_FREE, _NEVER, logits)[..., 1:]], axis=-1)
