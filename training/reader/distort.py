"""Distort a strip like another writer, and degrade it like scanners and JPEG."""

from dataclasses import dataclass

import cv2
import numpy as np

from models.strips import Grey
from training.reader.ink import Random


@dataclass(frozen=True)
class Bending:
    """Strength of the distortion: maximum or standard deviation of each change."""

    slant: float = 0.22  # columns per row
    turn: float = 0.025  # radians
    scale: float = 0.16  # of both axes, logarithmic
    stretch: float = 0.16  # of the width, logarithmic
    shift: float = 0.06  # of the height
    elastic: float = 0.022  # of the height, at knots


def bend(
    strip: Grey, bending: Bending, random: Random, *, border: int = cv2.BORDER_REPLICATE
) -> Grey:
    """Slant, rotate, scale and distort a strip in one interpolation; `border` fills the edges.

    The elastic distortion follows Simard, Steinkraus and Platt, ICDAR 2003, with smooth waves
    between coarse knots instead of filtered noise, as in `training.augment`.
    """
    height, width = strip.shape
    slant = random.normal(0, 0.5 * bending.slant)
    turn = random.normal(0, bending.turn) / max(1.0, width / height / 3)
    scale = float(np.exp(random.uniform(-bending.scale, bending.scale)))
    stretch = float(np.exp(random.uniform(-bending.stretch, bending.stretch)))
    wide = round(width * scale * stretch + abs(slant) * height)
    x = (np.arange(wide, dtype=np.float32) - wide / 2)[None, :]
    y = (np.arange(height, dtype=np.float32) - height / 2)[:, None]
    shift = random.uniform(-bending.shift, bending.shift) * height
    from_x = (x + slant * y) / np.float32(scale * stretch) - turn * y + width / 2
    from_y = y / np.float32(scale) + turn * x + height / 2 + shift
    knots = random.standard_normal((2, 4, 2 + round(4 * wide / height)), dtype=np.float32)
    knots *= bending.elastic * height
    waves = [cv2.resize(k, (wide, height), interpolation=cv2.INTER_CUBIC) for k in knots]
    return cv2.remap(
        strip,
        (from_x + waves[0]).astype(np.float32),
        (from_y + waves[1]).astype(np.float32),
        cv2.INTER_LINEAR,
        borderMode=border,
    )


def scan(strip: Grey, random: Random, *, strength: float = 1.0) -> Grey:
    """Degrade light, focus, grain, resolution and compression, as strongly as `strength`."""
    degraded = strip
    if random.random() < 0.3 * strength:
        degraded = _shade(degraded, random, strength)
    if random.random() < 0.3 * strength:
        degraded = cv2.GaussianBlur(degraded, (0, 0), random.uniform(0.4, 0.5 + 0.7 * strength))
    if random.random() < 0.2 * strength:
        degraded = _coarse(degraded, random)
    if random.random() < 0.35 * strength:
        degraded = _grain(degraded, random, strength)
    if random.random() < 0.2 * strength:
        degraded = _specks(degraded, random)
    if random.random() < 0.25:
        degraded = _curve(degraded, random)
    if random.random() < 0.04 * strength:
        degraded = _bitonal(degraded, random)
    if random.random() < 0.5:
        quality = [cv2.IMWRITE_JPEG_QUALITY, int(random.integers(25, 95))]
        degraded = cv2.imdecode(cv2.imencode(".jpg", degraded, quality)[1], cv2.IMREAD_GRAYSCALE)
    return degraded


def _shade(strip: Grey, random: Random, strength: float) -> Grey:
    light = 1 + random.uniform(-0.25, 0.1, (2, 3)).astype(np.float32) * strength
    field = cv2.resize(light, strip.shape[::-1], interpolation=cv2.INTER_LINEAR)
    return np.clip(strip * field, 0, 255).astype(np.uint8)


def _coarse(strip: Grey, random: Random) -> Grey:
    share = random.uniform(0.45, 0.85)
    small = cv2.resize(strip, None, fx=share, fy=share, interpolation=cv2.INTER_AREA)
    return cv2.resize(small, strip.shape[::-1], interpolation=cv2.INTER_LINEAR)


def _grain(strip: Grey, random: Random, strength: float) -> Grey:
    deviation = random.uniform(2, 6 + 16 * strength)
    grain = random.standard_normal(strip.shape, dtype=np.float32) * np.float32(deviation)
    return np.clip(strip + grain, 0, 255).astype(np.uint8)


def _specks(strip: Grey, random: Random) -> Grey:
    degraded = strip.copy()
    count = int(random.integers(1, 2 + strip.size // 400))
    rows = random.integers(strip.shape[0], size=count)
    columns = random.integers(strip.shape[1], size=count)
    degraded[rows, columns] = random.integers(0, 256, count)
    return degraded


def _curve(strip: Grey, random: Random) -> Grey:
    exponent = float(np.exp(random.uniform(-0.4, 0.4)))
    table = 255 * (np.arange(256) / 255) ** exponent
    return cv2.LUT(strip, table.astype(np.uint8))


def _bitonal(strip: Grey, random: Random) -> Grey:
    dark, paper = np.percentile(strip, (1, 50))
    threshold = dark + random.uniform(0.4, 0.7) * (paper - dark)
    return np.where(strip > threshold, 255, 0).astype(np.uint8)
