"""Connectionist temporal classification, also for strips without labelled separators.

Graves, Fernandez, Gomez and Schmidhuber, "Connectionist Temporal Classification", ICML 2006. If
separators are not labelled, the blank includes them: its probability is the sum of its own and
theirs, so any separator between the digits is right.
"""

import keras
from keras import ops

from models.strips import BLANK, DIGITS

_DIGITS_END = 1 + len(DIGITS)
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
    blank, digits = logits[..., :1], logits[..., 1:_DIGITS_END]
    separators = logits[..., _DIGITS_END:]
    either = ops.logsumexp(ops.concatenate([blank, separators], axis=-1), axis=-1, keepdims=True)
    return ops.concatenate([either, digits, ops.full_like(separators, _NEVER)], axis=-1)
