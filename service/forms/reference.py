"""Finding a page by a picture of the blank one: SIFT features, RANSAC, and no doubt left.

Lowe, "Distinctive image features from scale-invariant keypoints", IJCV 2004; the homography is
OpenCV's MAGSAC++ (Barath et al., CVPR 2020).
"""

from dataclasses import dataclass
from functools import partial
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from models.manifest import read_regular_file
from service.forms.files import Form, FormError
from service.forms.finding import (
    Finder,
    FoundPage,
    Homography,
    PageNotFound,
    PageReason,
    Points,
    corners_of,
    is_upright,
    whole_picture,
)
from service.imaging import Picture, UnreadableImage, decode, reduced

# Features are computed in pictures whose longer side has at most so many pixels; in the smaller one
# a blurred or noisy photo is sharp.
_SIDES = (1200, 700)
_MOST_FEATURES = 3000
_FEWEST_FEATURES = 100

# Lowe's ratio: the second best feature of the blank page is that much further away.
_RATIO = 0.75
_MOST_DISTANCE = 3.0  # of an inlier, in pixels of the reduced picture

# A page has at least this many inliers, and this share of the matches on it. Of 60 pictures
# without the page none had more than 12 inliers (tests/forms).
_FEWEST_INLIERS = 20
_LEAST_SHARE = 0.35
# Of the tiles of the page with print on them, this share has inliers: half a page is not found. A
# tile has print if it has this share of what an average one has.
_TILES = 4
_LEAST_COVERED = 0.6
_PRINTED = 0.5
# Paper without print is as light as elsewhere, but for shadows; where a page ends is the desk.
_LEAST_LIGHT = 0.5
_LIGHT_TILES = 8
_LARGEST_PICTURE = 40_000_000


@dataclass(frozen=True, eq=False)
class Reference:
    """The features of a blank page."""

    points: Points  # where they are on the page, float32 [N, 2]
    descriptors: NDArray[np.float32]  # float32 [N, 128]
    light: Picture  # the grey of each tile of the page


def reference_finder(path: Path, form: Form) -> Finder:
    """Return what finds the page of `form` by the picture at `path`.

    Raises:
        FormError: the picture cannot be read, has another shape, or too little on it.
    """
    try:
        return finder_from(read_regular_file(path), form)
    except OSError as error:
        raise FormError(f"{form.name}: {path.name}: {error.strerror}") from error


def finder_from(data: bytes, form: Form, *, max_pixels: int = _LARGEST_PICTURE) -> Finder:
    """Return what finds the page of `form` by the picture in `data`, as `reference_finder`."""
    at = f"{form.name}: {form.reference}"
    try:
        picture = decode(data, max_pixels=max_pixels, whole=True)
        to_page = np.linalg.inv(whole_picture(picture, form).homography)
    except UnreadableImage as error:
        raise FormError(f"{at}: {error}") from error
    except PageNotFound as error:
        raise FormError(f"{at} has another shape than the page") from error
    points, descriptors = _features(picture, _SIDES[0])
    if len(points) < _FEWEST_FEATURES:
        raise FormError(
            f"{at} has too little print to be found by; print markers, for found_by: corners"
        )
    on_page = cv2.perspectiveTransform(points[None], to_page)[0].astype(np.float32)
    light = _light(picture, form, np.linalg.inv(to_page))
    return partial(_find, reference=Reference(on_page, descriptors, light))


def _find(picture: Picture, form: Form, reference: Reference) -> FoundPage:
    for side in _SIDES:
        points, descriptors = _features(picture, side)
        pixel = max(1.0, max(picture.shape) / side)
        found = _page(points, descriptors, form, reference, pixel)
        if found is None:
            continue
        # A second page: what is outside of the first one is searched again.
        outside = ~_within(points, found.corners)
        if _page(points[outside], descriptors[outside], form, reference, pixel) is not None:
            raise PageNotFound(PageReason.SEVERAL_PAGES)
        light = _light(picture, form, found.homography) / np.maximum(1.0, reference.light)
        if light.min() < _LEAST_LIGHT * np.quantile(light, 0.9):
            raise PageNotFound(PageReason.PAGE_CUT_OFF)
        return found
    raise PageNotFound


def _page(
    points: Points, descriptors: NDArray[np.float32], form: Form, reference: Reference, pixel: float
) -> FoundPage | None:
    if len(points) < _FEWEST_INLIERS:
        return None
    pairs = cv2.BFMatcher(cv2.NORM_L2).knnMatch(descriptors, reference.descriptors, k=2)
    matches = [best for best, second in pairs if best.distance < _RATIO * second.distance]
    if len(matches) < _FEWEST_INLIERS:
        return None
    on_page = reference.points[[match.trainIdx for match in matches]]
    seen = points[[match.queryIdx for match in matches]]
    homography, mask = cv2.findHomography(
        on_page, seen, cv2.USAC_MAGSAC, _MOST_DISTANCE * pixel, maxIters=5000, confidence=0.999
    )
    if homography is None:
        return None
    corners = corners_of(form, np.asarray(homography, np.float64))
    inliers = mask.ravel() == 1
    matched = np.count_nonzero(_within(seen, corners)) if is_upright(corners) else 0
    if (
        inliers.sum() < max(_FEWEST_INLIERS, _LEAST_SHARE * matched)
        or not matched
        or _covered(on_page[inliers], reference.points, form) < _LEAST_COVERED
    ):
        return None
    placed = cv2.perspectiveTransform(on_page[inliers][None], homography)[0]
    distances = ((placed - seen[inliers]) ** 2).sum(axis=1)
    return FoundPage(np.asarray(homography, np.float64), corners, float(np.sqrt(distances.mean())))


def _covered(found: Points, printed: Points, form: Form) -> float:
    """Return the share of the tiles with print that have points in `found`."""
    tiles = [
        np.histogram2d(points[:, 0], points[:, 1], _TILES, [(0.0, side) for side in form.size])[0]
        for points in (found, printed)
    ]
    has_print = tiles[1] > _PRINTED * tiles[1].mean()
    return float((tiles[0] > 0)[has_print].mean())


def _light(picture: Picture, form: Form, homography: Homography) -> Picture:
    """Return the greys of the paper: uint8 [8, 8], the median of each tile of the page."""
    side = 8 * _LIGHT_TILES
    to_page = np.diag([form.page.width / side, form.page.height / side, 1.0])
    flags = cv2.INTER_AREA | cv2.WARP_INVERSE_MAP
    small = cv2.warpPerspective(picture, homography @ to_page, (side, side), flags=flags)
    tiles = small.reshape(_LIGHT_TILES, 8, _LIGHT_TILES, 8)
    return np.asarray(np.median(tiles, axis=(1, 3)), np.uint8)


def _features(picture: Picture, side: int) -> tuple[Points, NDArray[np.float32]]:
    """Return points [N, 2] in the picture and their descriptors, found at this longer side."""
    small = reduced(picture, side)
    scale = max(picture.shape) / max(small.shape)
    keypoints, descriptors = cv2.SIFT.create(
        _MOST_FEATURES, enable_precise_upscale=True
    ).detectAndCompute(small, None)
    points = np.array([each.pt for each in keypoints], np.float32).reshape(-1, 2) + 0.5
    if descriptors is None:
        descriptors = np.zeros((0, 128), np.float32)
    return np.float32(scale) * points, np.asarray(descriptors, np.float32)


def _within(points: Points, corners: Points) -> NDArray[np.bool_]:
    """Return which `points` are within the convex quadrangle of `corners`, clockwise."""
    sides = np.roll(corners, -1, axis=0) - corners
    offsets = points[:, None] - corners
    return np.asarray(
        (sides[:, 0] * offsets[..., 1] - sides[:, 1] * offsets[..., 0] > 0).all(axis=1), bool
    )
