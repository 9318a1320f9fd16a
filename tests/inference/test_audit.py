"""The audit: which accepted answers go to review."""

import asyncio
from dataclasses import replace

import numpy as np
import pytest

from models.manifest import PACKAGE_DIRECTORY
from service.inference.catalogue import load_catalogue
from service.inference.decisions import Answer, Audit, Decision, Reason, audited
from service.inference.digits import DigitOptions
from service.inference.fields import FieldOptions
from service.inference.registry import Registry
from service.settings import Settings
from tests.service.fakes import silent_metrics
from tests.strips import bars, publish_reader

KEY = "a key of the tests"
IMAGES = np.random.default_rng(1).integers(0, 256, (10_000, 28, 28), np.uint8)


def test_the_key_and_the_picture_choose_a_share():
    audit = Audit(0.05, KEY.encode(), threshold=0.9)
    chosen = [audit.chooses(0.95, image) for image in IMAGES]
    others = [replace(audit, key=b"another key").chooses(0.95, image) for image in IMAGES]

    assert np.mean(chosen) == pytest.approx(0.05, abs=0.01)
    assert chosen == [audit.chooses(1.0, image) for image in IMAGES]
    assert np.mean([a and b for a, b in zip(chosen, others, strict=True)]) < 0.01


@pytest.fixture
def load(models_copy):
    publish_reader(models_copy)

    def loaded(audit_rate: float) -> Registry:
        settings = Settings(
            models_dir=models_copy, feedback=True, audit_key=KEY, audit_rate=audit_rate
        )
        registry = Registry(settings, silent_metrics())
        asyncio.run(registry.load())
        return registry

    return loaded


def test_what_would_be_accepted_is_audited_alone_and_in_any_batch(load, draw, blank):
    pictures = [draw(digit, side=side) for digit in range(10) for side in (60, 100)] + [blank]
    plain = load(0).digits(DigitOptions()).read(pictures)
    pipeline = load(0.5).digits(DigitOptions())

    together = pipeline.read(pictures)
    alone = [pipeline.read([picture])[0] for picture in pictures]

    audits = [each.answer.reasons == (Reason.AUDIT,) for each in together]
    assert 0 < sum(audits) < sum(each.answer.decision is Decision.ACCEPT for each in plain)
    assert [each.answer.reasons for each in alone] == [each.answer.reasons for each in together]
    for before, after, is_audit in zip(plain, together, audits, strict=True):
        assert after.answer.digit == before.answer.digit
        assert before.answer.decision is Decision.ACCEPT or not is_audit
        assert after.answer.decision == ("review" if is_audit else before.answer.decision)


def test_every_accepted_field_is_audited_at_a_rate_of_1(load):
    strip = bars("#123")
    [plain], [audited] = (load(rate).fields(FieldOptions()).read([strip]) for rate in (0, 1))

    assert (plain.answer.decision, audited.answer.decision) == (Decision.ACCEPT, Decision.REVIEW)
    assert audited.answer.reasons == ("audit",)
    assert audited.answer.text == plain.answer.text


def test_an_answer_that_only_a_lenient_request_accepts_is_not_audited(load):
    registry = load(1)
    default, lenient, strict = (
        registry.digits(DigitOptions(max_error=rate)) for rate in (None, 0.01, 0.0005)
    )

    assert default.audit.threshold == default.criteria.threshold
    assert lenient.criteria.threshold < lenient.audit.threshold == default.criteria.threshold
    assert not lenient.audit.chooses(lenient.criteria.threshold, IMAGES[0])
    assert strict.audit.chooses(strict.criteria.threshold, IMAGES[0])


def test_the_threshold_applies_to_the_confidence_of_a_digit_that_is_there():
    answer = Answer(7, 0.95, np.zeros(10, np.float32), Decision.ACCEPT, ())
    audit = Audit(1, KEY.encode(), threshold=0.9)

    assert audited(answer, audit, IMAGES[0], 0.01).reasons == (Reason.AUDIT,)
    assert audited(answer, audit, IMAGES[0], 0.1) == answer


def test_command_line_and_scoring_are_not_audited(monkeypatch):
    monkeypatch.setenv("NUMERAL_AUDIT_RATE", "1")
    catalogue = load_catalogue(PACKAGE_DIRECTORY)
    pipeline = catalogue.digits(DigitOptions(), max_error=0.001, max_pixels=10**6)

    assert pipeline.audit is None
