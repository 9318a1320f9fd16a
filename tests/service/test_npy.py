"""Batches as .npy files: any array is read or refused in words, and none is trusted."""

import io
import tracemalloc

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.api.errors import BatchTooLarge, InvalidRequest, MalformedBody
from service.api.npy import parse_npy
from service.imaging import PictureTooLarge

PICTURES = np.arange(3 * 4 * 5, dtype=np.uint8).reshape(3, 4, 5)


@pytest.mark.parametrize("order", ["C", "F"])
def test_each_picture_of_an_array_is_an_item(order):
    items = _parse(_npy(np.array(PICTURES, order=order)))

    assert [item.id for item in items] == [None, None, None]
    assert all(np.array_equal(item.content, picture) for item, picture in _pairs(items))
    assert all(item.content.flags.c_contiguous for item in items)


def test_the_second_version_of_the_format_is_read():
    file = io.BytesIO()
    np.lib.format.write_array(file, PICTURES, version=(2, 0))

    assert len(_parse(file.getvalue())) == 3


@pytest.mark.parametrize(
    ("array", "named"),
    [
        (PICTURES.astype(bool), r"of type bool: send uint8.*255 \* array"),
        (PICTURES.astype(np.float32), r"of type float32: send uint8.*from 0 to 1"),
        (PICTURES.astype(np.int64), "of type int64: send uint8"),
        (PICTURES.astype("S3"), "of type .*S3"),
        (PICTURES[0], r"shape \[4, 5\]: .*a single picture has N = 1"),
        (PICTURES[..., None], r"shape \[3, 4, 5, 1\]"),
        (PICTURES[:0], r"shape \[0, 4, 5\]"),
        (PICTURES[:, :0], r"shape \[3, 0, 5\]"),
        (np.uint8(7), r"shape \[\]"),
    ],
)
def test_an_array_of_another_type_or_shape_is_refused_with_what_to_send(array, named):
    with pytest.raises(InvalidRequest, match=named):
        _parse(_npy(array))


def test_one_picture_too_many():
    with pytest.raises(BatchTooLarge, match="holds 3 images, the limit is 2"):
        _parse(_npy(PICTURES), max_batch=2)


def test_pictures_that_are_too_large():
    with pytest.raises(PictureTooLarge, match="5 x 4 pixels; at most 19"):
        _parse(_npy(PICTURES), max_pixels=19)


@pytest.mark.parametrize("change", [lambda file: file[:-1], lambda file: file + b"\0"])
def test_data_that_does_not_fit_the_header_is_refused(change):
    with pytest.raises(MalformedBody, match=r"announces 60 bytes of pixels, (59|61) follow"):
        _parse(change(_npy(PICTURES)))


def test_an_array_of_objects_is_not_unpickled():
    with pytest.raises(InvalidRequest, match="of type object"):
        _parse(_npy(np.array([[["x"]]], dtype=object)))


@pytest.mark.parametrize(
    "header",
    [
        "",
        "7",
        "{}",
        "(" * 900,
        "{'descr': '|u1', 'fortran_order': False, 'shape': (1, 'a', 2)}",
        "{'descr': '|u1', 'fortran_order': False, 'shape': (1, 2, 3), 'x': 1}",
        "{'descr': '|Sé', 'fortran_order': False, 'shape': (1, 2, 3)}",
        "{'descr': '|u1', 'fortran_order': False, 'shape': (1, 2, 3)}" + " " * 1000,
    ],
)
def test_a_header_that_cannot_be_read_is_refused(header):
    with pytest.raises(MalformedBody, match=r"no \.npy header"):
        _parse(_headed(header))


@pytest.mark.parametrize("shape", [(1000, 10**6, 1), (1, 10**9, 10**9), (10**30, 1, 1)])
def test_what_a_header_announces_is_not_allocated(shape):
    file = _headed(str({"descr": "|u1", "fortran_order": False, "shape": shape}))
    tracemalloc.start()

    with pytest.raises((MalformedBody, BatchTooLarge, PictureTooLarge)):
        _parse(file)

    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 1 << 20


@given(st.binary(max_size=200), st.integers(0, 199), st.booleans())
def test_no_bytes_raise_anything_else(noise, start, whole):
    file = bytearray(_npy(PICTURES))
    file[start : start + len(noise)] = noise

    try:
        _parse(noise if whole else bytes(file))
    except (MalformedBody, InvalidRequest, BatchTooLarge, PictureTooLarge):
        return


def _parse(body, *, max_batch=1024, max_pixels=10**6):
    return parse_npy(body, max_batch=max_batch, max_pixels=max_pixels)


def _npy(array):
    file = io.BytesIO()
    np.save(file, array)
    return file.getvalue()


def _headed(header):
    encoded = header.encode("latin1")
    return b"\x93NUMPY\x01\x00" + len(encoded).to_bytes(2, "little") + encoded


def _pairs(items):
    return zip(items, PICTURES, strict=True)
