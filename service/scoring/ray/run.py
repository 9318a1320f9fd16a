"""Tasks to their files by Ray Data: done by actors, and again where one did not come to the end."""

import logging
from collections.abc import Callable, Iterator
from typing import Any, cast

import ray
import ray.data
import ray.exceptions

from service.scoring.plan import places_in
from service.scoring.ray.actor import Order, Worker
from service.scoring.ray.folder import Folder
from service.scoring.tally import Tally
from service.scoring.workers import WorkerFailed

# Each is an object that this process keeps; past these, several tasks travel together.
_MOST_BLOCKS = 10_000


def tallies(order: Order, folder: Folder, files: int, workers: int) -> Iterator[tuple[int, Tally]]:
    """Do the tasks listed in `folder` by `order`; each one's number and tally, as it is done.

    Args:
        order: what is done.
        folder: where the list is.
        files: how many tasks it has.
        workers: how many actors work, once so many cores are there.

    Raises:
        WorkerFailed: one raised an error, which is not tried again.
    """
    context = ray.data.DataContext.get_current()
    context.enable_progress_bars = False
    context.print_on_execution_start = False
    logging.getLogger("ray.data").setLevel(logging.CRITICAL)
    with folder.plan() as plan:
        tasks = [{"number": number, "place": place} for number, place in enumerate(places_in(plan))]
    done = (
        ray.data.from_items(tasks, override_num_blocks=min(files, _MOST_BLOCKS))
        .map(
            cast("Callable[..., dict[str, Any]]", Worker),
            fn_constructor_args=(order,),
            # A node that ends takes its actors along: the others go on.
            compute=ray.data.ActorPoolStrategy(min_size=1, max_size=workers, initial_size=workers),
            num_cpus=1,
        )
        .iter_rows()
    )
    try:
        for row in done:
            yield row["number"], Tally.model_validate_json(row["tally"])
    except ray.exceptions.RayError as error:
        raise WorkerFailed(str(error)) from error
