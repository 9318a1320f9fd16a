"""The registry: readiness, pipelines, and reloads that replace the models or change nothing."""

import asyncio

import pytest

from models.manifest import PACKAGE_DIRECTORY, load_manifest
from service.errors import NotReady, ReloadFailed, ReloadInProgress
from service.inference.digits import DigitOptions
from service.inference.fields import FieldOptions
from service.inference.registry import Registry
from service.settings import Settings
from tests.service.fakes import silent_metrics

CARD = load_manifest(PACKAGE_DIRECTORY).models[0]


def test_before_loading_there_is_no_pipeline():
    registry = _registry()

    assert not registry.ready
    for pipeline in (registry.digits, registry.fields):
        with pytest.raises(NotReady, match="being loaded"):
            pipeline(DigitOptions() if pipeline == registry.digits else FieldOptions())


def test_without_models_the_error_says_why(tmp_path):
    registry = _registry(models_dir=tmp_path)

    asyncio.run(registry.load())

    assert not registry.ready
    with pytest.raises(NotReady, match=str(tmp_path)):
        registry.digits(DigitOptions())


def test_what_stays_wrong_is_logged_once(tmp_path, caplog):
    (tmp_path / "bank-a.json").write_text("{}")
    registry = _registry(calibrations=tmp_path, default_calibrations=("bank-a",))

    for _ in range(2):
        asyncio.run(registry.load())

    [record] = caplog.records
    assert "the default calibration 'bank-a' cannot be used: it is no calibration" in record.message


def test_the_settings_are_the_defaults_of_a_pipeline(seven):
    registry = _registry(max_error=0.01, max_pixels=100)
    asyncio.run(registry.load())

    pipeline = registry.digits(DigitOptions(CARD.name))

    assert pipeline.criteria.threshold == CARD.operating_point(0.01).threshold
    assert pipeline.max_pixels == 100
    assert registry.digits(DigitOptions(CARD.name)) is pipeline


def test_loading_is_repeated_until_it_succeeds(models_copy, monkeypatch):
    monkeypatch.setattr("service.inference.registry._RETRY_SECONDS", 0.01)
    manifest = models_copy / "manifest.json"
    content = manifest.read_text()
    manifest.unlink()
    registry = _registry(models_dir=models_copy)

    async def scenario():
        loading = asyncio.create_task(registry.load_until_ready())
        await asyncio.sleep(0.05)
        assert not registry.ready
        manifest.write_text(content)
        await asyncio.wait_for(loading, 60)

    asyncio.run(scenario())

    assert registry.ready


def test_a_reload_replaces_the_models(models_copy):
    registry = _registry(models_dir=models_copy)

    async def scenario():
        await registry.load()
        before = registry.digits(DigitOptions())
        served = await registry.reload()
        return before, registry.digits(DigitOptions()), served

    before, after, served = asyncio.run(scenario())

    assert after.classifier is not before.classifier
    assert CARD.name in {model.name for model in served.models}


def test_a_reload_that_would_lose_a_model_changes_nothing(models_copy):
    registry = _registry(models_dir=models_copy)

    async def scenario():
        await registry.load()
        before = registry.catalogue
        (models_copy / CARD.file).write_bytes(b"damaged")
        with pytest.raises(ReloadFailed, match=CARD.file):
            await registry.reload()
        return before

    before = asyncio.run(scenario())

    assert registry.catalogue is before


def test_a_second_reload_at_the_same_time_is_refused():
    registry = _registry()

    async def scenario():
        await registry.load()
        first = asyncio.create_task(registry.reload())
        await asyncio.sleep(0)
        with pytest.raises(ReloadInProgress):
            await registry.reload()
        await first

    asyncio.run(scenario())


def _registry(**settings):
    return Registry(Settings(**settings), silent_metrics())
