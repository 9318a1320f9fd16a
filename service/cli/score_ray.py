"""`numeral score --engine ray` at work: list, let Ray read and write, tell how far it has come."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from service.cli.score_job import ByRay
from service.cli.score_work import Finished, Work
from service.cli.stopping import terminated_by_signal
from service.scoring.ray.cluster import check_installed, cluster
from service.scoring.tally import Tally
from service.scoring.workers import WorkerFailed


def to_folder(work: Work, by: ByRay, asked: Mapping[str, Any], *, overwrite: bool) -> Finished:
    """Write the rows to files in a folder, or go on to.

    Raises:
        NoCluster, NoSuchSource, CannotWrite, WorkerFailed, OSError: it could not be done, or not
            now.
    """
    check_installed()
    # Neither Arrow nor Ray need be there for the other engine, and they take a second to import.
    from service.scoring.ray.actor import ordered  # noqa: PLC0415
    from service.scoring.ray.begin import begun, opened_folder, run_in  # noqa: PLC0415
    from service.scoring.ray.listing import list_everywhere  # noqa: PLC0415
    from service.scoring.ray.stores import Stores, is_address  # noqa: PLC0415

    stores = Stores()
    folder = opened_folder(by.folder, stores)
    run = run_in(folder, asked, overwrite=overwrite)
    places = (*work.sources, by.folder)
    order = ordered(work.job, by.folder, by.column, addresses_only=all(map(is_address, places)))
    # Ray takes SIGTERM for itself when it starts.
    with cluster(by.address, work.workers or work.cores) as cores, terminated_by_signal():
        from service.scoring.ray.run import tallies  # noqa: PLC0415

        workers = work.workers or cores
        ignored = frozenset([by.folder, str(Path(by.folder).resolve())])
        if run is None:
            pieces = list_everywhere(work.sources, ignored, stores)
            size = work.job.what.task_size
            run = begun(folder, asked, pieces, work.bar.listed, task_size=size, workers=workers)
        done = folder.done()
        workers = max(1, min(workers, run.files))
        work.bar.begin(run.pictures, done=0)
        tally, before, seen = Tally(), 0, 0
        for number, each in tallies(order, folder, run.files, workers):
            tally += each
            seen += 1
            before += each.pictures if number in done else 0
            work.bar.read(each.pictures)
        if (seen, tally.pictures) != (run.files, run.pictures):
            raise WorkerFailed(
                f"{tally.pictures} pictures of {run.pictures} were counted; run it again"
            )
        folder.finish(run)
        return Finished(tally, before, workers)
