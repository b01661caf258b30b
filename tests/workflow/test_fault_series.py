"""A few random faults; `python tests/workflow/faults.py` runs as many as one likes, of all."""

from pathlib import Path

from faults import series

COUNT = 3  # a process killed, a source edited, a disk that is full


def test_random_faults_end_with_the_right_bits_or_a_sentence(tmp_path: Path) -> None:
    rows = series(COUNT, 0, tmp_path)
    assert len(rows) == COUNT
    assert [row for row in rows if row["outcome"].startswith("DEFECT")] == []
