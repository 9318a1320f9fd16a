"""Services for the examples."""

from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from service.auth.api_keys import Role, new_key
from tests.e2e.running import run_service, wait_for

PICTURES = Path(__file__).parents[2] / "docs"


@pytest.fixture(scope="package")
def secured(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, str]]:
    """URL of a service with API keys and feedback, and a key of the role `admin`.

    Its first prediction, of several digits, waits for review.
    """
    pytest.importorskip("sqlalchemy", reason="requires the extra 'feedback'")
    folder = tmp_path_factory.mktemp("secured")
    key, line = new_key("admin", Role.ADMIN)
    keys_file = folder / "keys.jsonl"
    keys_file.write_text(line.model_dump_json() + "\n")
    database = f"sqlite:///{folder}/feedback.db"
    with run_service(
        folder, api_keys_file=keys_file, feedback_database=database, feedback_images=True
    ) as service:
        service.wait_until_ready()
        caller = httpx.Client(base_url=service.url, headers={"X-API-Key": key}, timeout=60)
        caller.post("/predict", content=(PICTURES / "amount.png").read_bytes())
        wait_for(lambda: caller.get("/reviews").json()["reviews"])
        yield service.url, key
