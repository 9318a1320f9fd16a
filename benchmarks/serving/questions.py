"""What servers are asked: every body, the right digits for it, and the files that wrk reads."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Self

import numpy as np
import onnxruntime as ort

from benchmarks.conditions import png
from benchmarks.serving import wrk
from benchmarks.serving.bodies import Bodies, bodies
from benchmarks.serving.contenders import Contender, Way
from models.mnist import Images

IMAGES = 256
_BATCH_BODIES = 16


@dataclass(frozen=True, eq=False)
class Question:
    """A way of asking, so many images at a time, and the digits that each body holds."""

    way: Way
    images: int
    bodies: Bodies
    file: Path
    right: list[list[int]]


@dataclass(frozen=True, eq=False)
class Exam:
    """The images of all questions, and what each model reads in them, by model."""

    images: Images
    read: Mapping[str, list[int]]
    folder: Path

    @classmethod
    def prepare(cls, images: Images, models: Mapping[str, Path], folder: Path) -> Self:
        """Let each model read `images` [N, 28, 28]; write them into `folder` as PNGs."""
        folder.mkdir(parents=True, exist_ok=True)
        for place, image in enumerate(images):
            (folder / f"{place:05}.png").write_bytes(png(image))
        return cls(images, {name: _read(path, images) for name, path in models.items()}, folder)

    def questions(self, contender: Contender, model: str) -> list[Question]:
        """What `contender` is asked about `model`."""
        return [
            self._question(contender, way, size, place, self.read[model])
            for place, (way, size) in enumerate(contender.ways())
        ]

    def _question(
        self, contender: Contender, way: Way, size: int, place: int, read: list[int]
    ) -> Question:
        count = len(self.images) if size == 1 else _BATCH_BODIES
        asked = bodies(self.images, size, way.encode, count=count)
        file = self.folder / f"{contender.name}-{place}.bodies"
        wrk.write_bodies(asked, file)
        right = np.resize(read, (count, size)).tolist()
        return Question(way, size, asked, file, right)


def _read(path: Path, images: Images) -> list[int]:
    session = ort.InferenceSession(path, providers=["CPUExecutionProvider"])
    return session.run(["probabilities"], {"image": images})[0].argmax(axis=1).tolist()
