"""API keys: created, stored as hashes, recognised."""

import pickle

import pytest

from service.auth.api_keys import (
    ApiKeys,
    Authenticator,
    Caller,
    KeysFileError,
    Role,
    key_from,
    load_keys,
    new_key,
)
from service.auth.quotas import Quota
from service.errors import QuotaExceeded


@pytest.fixture
def keys_file(tmp_path):
    def written(*lines):
        path = tmp_path / "keys.jsonl"
        path.write_text("\n".join(lines))
        return path

    return written


def test_a_key_is_long_random_and_not_in_its_line():
    (key, line), (other, _) = (new_key("teller", Role.PREDICT) for _ in range(2))

    assert key != other
    assert len(key) > 43
    assert key not in line.model_dump_json()
    assert line.sha256 not in repr(line)


def test_keys_come_back_from_the_file(keys_file):
    lines = [
        new_key("teller", Role.PREDICT, Quota.parse("1000/minute"))[1],
        new_key("owner", Role.ADMIN)[1],
    ]
    path = keys_file("# tellers", "", *(line.model_dump_json(exclude_none=True) for line in lines))

    assert load_keys(path) == tuple(lines)


def test_a_caller_is_found_by_its_key_alone():
    made = [new_key(f"caller{number}", Role.PREDICT) for number in range(3)]
    authenticator = Authenticator(ApiKeys([line for _, line in made]))

    for number, (key, line) in enumerate(made):
        assert authenticator.find(key.encode()).name == f"caller{number}"
        assert authenticator.find(line.sha256.encode()) is None
    for unknown in (b"", b"numeral_", b"\xff", b"x" * 10_000):
        assert authenticator.find(unknown) is None


def test_workers_count_a_quota_together():
    key, line = new_key("teller", Role.PREDICT, Quota.parse("5/day"))
    with ApiKeys([line]).shared(workers=2) as shared:
        # As it reaches the process of a worker.
        one, other = (Authenticator(pickle.loads(pickle.dumps(shared))) for _ in range(2))
        one.find(key.encode()).meter.charge(5)

        with pytest.raises(QuotaExceeded):
            other.find(key.encode()).meter.charge(1)


def test_without_quotas_workers_share_nothing():
    keys = ApiKeys([new_key("teller", Role.PREDICT)[1]])

    with keys.shared(workers=2) as shared:
        assert shared is keys


def test_an_administrator_may_do_everything():
    assert all(Caller("owner", Role.ADMIN).has(role) for role in Role)
    assert [role for role in Role if Caller("teller", Role.PREDICT).has(role)] == [Role.PREDICT]


@pytest.mark.parametrize(
    ("headers", "key"),
    [
        ([(b"x-api-key", b"k")], b"k"),
        ([(b"authorization", b"Bearer k")], b"k"),
        ([(b"authorization", b"bearer  k ")], b"k"),
        ([(b"authorization", b"Basic dTpw"), (b"x-api-key", b"k")], b"k"),
        ([(b"authorization", b"Basic dTpw")], None),
        ([(b"authorization", b"k")], None),
        ([], None),
    ],
)
def test_a_key_is_sent_in_one_of_two_headers(headers, key):
    assert key_from(headers) == key


@pytest.mark.parametrize(
    ("line", "complaint"),
    [
        ("numeral_abc", "line 1: the line: Invalid JSON"),
        ("{}", "line 1: name: Field required"),
        ('{"name": "a b", "role": "predict"}', "name: String should match"),
        ('{"name": "a", "role": "king"}', "role: Input should be 'predict', 'metrics' or 'admin'"),
        ('{"name": "a", "key": "numeral_abc"}', "key: Extra inputs are not permitted"),
        ('{"name": "a", "quota": "many"}', "quota: Value error, 'many' is not a quota"),
        ("# nothing", "contains no key"),
        ("\0", "line 1"),
    ],
)
def test_faults_of_the_file_are_reported_without_its_values(keys_file, line, complaint):
    with pytest.raises(KeysFileError) as raised:
        load_keys(keys_file(line))

    assert complaint in str(raised.value)
    assert "numeral keys create NAME" in str(raised.value)
    assert "numeral_abc" not in str(raised.value)


def test_a_name_may_not_be_used_twice(keys_file):
    lines = [new_key("teller", Role.PREDICT)[1].model_dump_json() for _ in range(2)]

    with pytest.raises(KeysFileError, match="line 2: the name 'teller' is used by an earlier key"):
        load_keys(keys_file(*lines))


@pytest.mark.parametrize("content", [None, b"\xff\xfe"])
def test_a_file_that_cannot_be_read(tmp_path, content):
    path = tmp_path / "keys.jsonl"
    if content is not None:
        path.write_bytes(content)

    with pytest.raises(KeysFileError, match=r"keys\.jsonl: cannot be read: "):
        load_keys(path)
