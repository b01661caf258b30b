"""One random fault of each kind; `python tests/workflow/faults.py` runs as many as one likes."""

from pathlib import Path

from faults import FAULTS, series


def test_random_faults_end_with_the_right_bits_or_a_sentence(tmp_path: Path) -> None:
    rows = series(len(FAULTS), 0, tmp_path)
    assert len(rows) == len(FAULTS)
    assert [row for row in rows if row["outcome"].startswith("DEFECT")] == []
