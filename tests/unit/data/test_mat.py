"""The reader of .mat files, on the files by MATLAB itself that come with SciPy's tests."""

from pathlib import Path

import numpy as np
import pytest
import scipy.io

from palimpsest.data.sources._mat import real_arrays

FILES = Path(scipy.io.__file__).parent / "matlab" / "tests" / "data"
REAL = [
    "test3dmatrix_6.5.1_GLNX86", "test3dmatrix_7.1_GLNX86", "test3dmatrix_7.4_GLNX86",
    "testdouble_7.4_GLNX86", "testmatrix_7.4_GLNX86", "testminus_7.4_GLNX86",
    "testmulti_7.4_GLNX86",
]  # fmt: skip
OTHERS = ["testcell", "testcomplex", "testobject", "testsparse", "teststring", "teststruct"]


@pytest.mark.parametrize("name", REAL)
def test_what_matlab_wrote_is_read_as_by_scipy(name):
    path = FILES / f"{name}.mat"
    expected = {key: value for key, value in scipy.io.loadmat(path).items() if key[0] != "_"}
    found = real_arrays(path.read_bytes())
    assert found.keys() == expected.keys() != set()
    for key, value in expected.items():
        assert np.array_equal(found[key], value), key
        assert found[key].dtype == value.dtype


@pytest.mark.parametrize("name", OTHERS)
def test_what_is_no_array_of_real_numbers_is_passed_over(name):
    assert real_arrays((FILES / f"{name}_7.4_GLNX86.mat").read_bytes()) == {}


@pytest.mark.parametrize(
    ("name", "sentence"),
    [
        ("big_endian", "no little-endian .mat file"),
        ("testdouble_4.2c_SOL2", "no little-endian .mat file"),
        ("testhdf5_7.4_GLNX86", "no little-endian .mat file"),
        ("corrupted_zlib_checksum", "incorrect data check"),
        ("corrupted_zlib_data", "a packed array is cut off or too large"),
    ],
)
def test_files_of_other_kinds_and_damaged_ones_are_refused(name, sentence):
    with pytest.raises(Exception, match=sentence):
        real_arrays((FILES / f"{name}.mat").read_bytes())


@pytest.mark.parametrize("length", [0, 127, 131, 140, 200])
def test_a_file_that_is_cut_off_is_refused(length):
    content = (FILES / "testdouble_7.4_GLNX86.mat").read_bytes()[:length]
    with pytest.raises(ValueError, match=r"cut off|no little-endian"):
        real_arrays(content)
