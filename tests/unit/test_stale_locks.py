"""A killed run's locks are removed by the next run, a living one's are not."""

from pathlib import Path

from palimpsest import stale_locks


def lock(folder: Path) -> Path:
    """A lock file where Snakemake writes its own."""
    path = folder / "locks" / "0.output.lock"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("results/klom.csv")
    return path


def test_what_a_dead_run_locked_is_unlocked(tmp_path: Path) -> None:
    dead = stale_locks.enter(tmp_path)
    left = lock(tmp_path)
    assert dead is not None
    dead.close()  # as the end of its process does
    assert stale_locks.enter(tmp_path) is not None
    assert not left.exists()


def test_what_a_living_run_locked_stays_locked(tmp_path: Path) -> None:
    first = stale_locks.enter(tmp_path)
    held = lock(tmp_path)
    second = stale_locks.enter(tmp_path)
    assert first is not None
    assert second is not None
    first.close()  # the second still lives
    third = stale_locks.enter(tmp_path)
    assert third is not None
    assert held.exists()
    for run in (second, third):
        run.close()
    assert stale_locks.enter(tmp_path) is not None
    assert not held.exists()


def test_a_folder_that_cannot_be_made_is_left_to_snakemake(tmp_path: Path) -> None:
    assert stale_locks.enter(tmp_path / "missing" / ".snakemake") is None
