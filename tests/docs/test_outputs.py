"""The comparison of outputs notices differences."""

import pytest

from tests.docs.outputs import same_json, same_text


@pytest.mark.parametrize(
    ("printed", "shown"),
    [
        ('{"digit": 7, "confidence": 0.91}', '{"confidence": 0.99, "digit": 7}'),
        ('{"digit": 7, "model": "cnn"}', '{"digit": 7, ...}'),
        ('{"digits": [1, 2, 3]}', '{"digits": [1, 2, ...]}'),
        ('{"read_rate": 0.9471}', '{"read_rate": 0.9473}'),
        ('{"index": 0}\n{"index": 1}\n', '{"index": 0}\n{"index": 1}\n'),
    ],
)
def test_variable_values_and_a_rest_may_differ(printed, shown):
    assert same_json(printed, shown)


@pytest.mark.parametrize(
    ("printed", "shown"),
    [
        ('{"digit": 1}', '{"digit": 7}'),
        ('{"digit": 7, "model": "cnn"}', '{"digit": 7}'),
        ('{"digit": 7}', '{"digit": 7, "model": "cnn", ...}'),
        ('{"digits": [1, 2, 3]}', '{"digits": [1, 2]}'),
        ('{"read_rate": 0.9471}', '{"read_rate": 0.9}'),
        ('{"index": 0}\n{"index": 1}\n', '{"index": 0}\n'),
    ],
)
def test_another_value_is_noticed(printed, shown):
    assert not same_json(printed, shown)


def test_lines_can_be_left_out_and_numbers_differ():
    assert same_text("read 7\nin 0.12 s\nwith cnn\nend\n", "read 7\nin 0.50 s\n...\nend\n")
    assert not same_text("read 7\nend\n", "read 1\nend\n")
    assert not same_text("read 7\nend\n", "read 7\n")
