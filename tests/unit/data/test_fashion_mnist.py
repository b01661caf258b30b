"""Fashion-MNIST from tiny files in the official format."""

import errno
import gzip
import hashlib
import shutil
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import numpy as np
import pytest
import torchvision
from official import write_checksums
from torchvision.datasets import FashionMNIST

from palimpsest.data.facts import Facts
from palimpsest.data.sources import _downloads, fashion_mnist
from palimpsest.files import InputError

RANDOM = np.random.RandomState(0)
IMAGES = RANDOM.randint(0, 256, (13, 28, 28)).astype(np.uint8)
LABELS = np.array([9, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 9, 0], np.uint8)
FILES = fashion_mnist.TRAIN_FILES, fashion_mnist.TEST_FILES


def idx(array, kind=8):
    """An array as an IDX file."""
    lengths = b"".join(length.to_bytes(4, "big") for length in array.shape)
    return gzip.compress(bytes([0, 0, kind, array.ndim]) + lengths + array.tobytes())


@pytest.fixture
def folder(tmp_path):
    """Ten training images and three test images."""
    target = tmp_path / fashion_mnist.FOLDER
    target.mkdir(parents=True)
    for (images, labels), rows in zip(FILES, (slice(10), slice(10, None)), strict=True):
        (target / images).write_bytes(idx(IMAGES[rows]))
        (target / labels).write_bytes(idx(LABELS[rows]))
    write_checksums(tmp_path / fashion_mnist.FOLDER, fashion_mnist.OFFICIAL_MD5)
    return tmp_path


def load(data_dir):
    return fashion_mnist.load(data_dir, False, "MD5SUMS")


def test_local_files_are_read_in_order(folder):
    dataset = load(folder)
    assert np.array_equal(dataset.pool, IMAGES[:, None])
    assert dataset.labels.tolist() == LABELS.tolist()
    assert (dataset.name, dataset.train_points) == ("fashion_mnist", 10)
    assert fashion_mnist.facts(folder, "MD5SUMS") == dataset.facts == Facts(13, 10, 10, (1, 28, 28))
    mean = dataset.inputs().astype(float) * 0.353 + 0.286
    assert np.abs(mean - IMAGES[:, None] / 255).max() < 1e-6


def test_the_points_are_those_of_torchvision(folder, monkeypatch):
    for name in fashion_mnist.OFFICIAL_MD5:  # it reads unpacked files
        packed = folder / fashion_mnist.FOLDER / name
        packed.with_suffix("").write_bytes(gzip.decompress(packed.read_bytes()))
    dataset = load(folder)
    train, test = (FashionMNIST(folder, train) for train in (True, False))
    assert np.array_equal(np.concatenate([train.data, test.data])[:, None], dataset.pool)
    assert np.array_equal(np.concatenate([train.targets, test.targets]), dataset.labels)


def test_sizes_of_the_official_files_and_of_unknown_ones(tmp_path):
    assert fashion_mnist.facts(tmp_path, "official") == Facts(70_000, 60_000, 10, (1, 28, 28))
    assert fashion_mnist.facts(tmp_path, "absent") is None


def test_official_checksums_are_those_of_torchvision():
    assert dict(FashionMNIST.resources) == fashion_mnist.OFFICIAL_MD5


def test_files_that_are_missing_or_others_are_named(folder):
    def both_refuse(sentence, checksums="MD5SUMS"):
        for call in (fashion_mnist.check, fashion_mnist.load):
            with pytest.raises(InputError) as error:
                call(folder, False, checksums)
            assert sentence in str(error.value)
            assert "\n" not in str(error.value)

    both_refuse("train-images-idx3-ubyte.gz: damaged or another file (MD5 ", "official")
    path = folder / fashion_mnist.FOLDER / "t10k-labels-idx1-ubyte.gz"
    path.write_bytes(path.read_bytes()[:-1])
    both_refuse("t10k-labels-idx1-ubyte.gz: damaged or another file (MD5 ")
    path.unlink()
    both_refuse("t10k-labels-idx1-ubyte.gz: there is no such file; put the four files of Fashion-")


NO_IDX = "not readable as a packed IDX file (it does not begin as an IDX file of bytes with"
WRONG = {
    "a label of 10": ("labels", idx(np.array([10] * 3, np.uint8)), "labels-idx1-ubyte.gz has a la"),
    "too few labels": ("labels", idx(LABELS[:2]), "3 images, and t10k-labels-idx1-ubyte.gz has 2"),
    "labels in a table": ("labels", idx(LABELS[:3, None]), NO_IDX),
    "small images": ("images", idx(IMAGES[:3, :14]), "its images are not 28 x 28 pixels"),
    "labels for images": ("images", idx(LABELS[:3]), NO_IDX),
    "signed bytes": ("images", idx(IMAGES[:3], kind=9), NO_IDX),
    "too few numbers": (
        "images", gzip.compress(gzip.decompress(idx(IMAGES[:3]))[:-1]),
        "it holds 2351 numbers, and says [3, 28, 28]",
    ),
    "nothing": ("images", gzip.compress(b""), NO_IDX),
    "cut off": ("images", idx(IMAGES[:3])[:-20], "not readable as a packed IDX file ("),
    "not packed": ("images", b"not packed", "not readable as a packed IDX file (Not a gzipped"),
}  # fmt: skip


@pytest.mark.parametrize("case", WRONG)
def test_files_of_another_content_are_refused(folder, case):
    what, content, sentence = WRONG[case]
    images, labels = fashion_mnist.TEST_FILES
    (folder / fashion_mnist.FOLDER / (images if what == "images" else labels)).write_bytes(content)
    write_checksums(folder / fashion_mnist.FOLDER, fashion_mnist.OFFICIAL_MD5)
    with pytest.raises(InputError) as error:
        load(folder)
    assert sentence in str(error.value)
    assert "\n" not in str(error.value)


def test_a_download_needs_the_official_checksums(tmp_path):
    with pytest.raises(InputError, match="allowed: a download with checksums: official"):
        fashion_mnist.check(tmp_path, True, "MD5SUMS")


class Server(ThreadingHTTPServer):
    """Has files, and breaks off in the middle of what it is asked for so many times."""

    def __init__(self, folder, breaks):
        self.folder, self.breaks, self.asked, self.busy = folder, breaks, [], 0
        super().__init__(("127.0.0.1", 0), Answer)


class Answer(BaseHTTPRequestHandler):
    """One request."""

    def do_GET(self):
        name = self.path.lstrip("/")
        self.server.asked.append(name)
        if self.server.busy:
            self.server.busy -= 1
            self.send_error(429)
            return
        if not (file := self.server.folder / name).is_file():
            self.send_error(404)
            return
        content = file.read_bytes()
        self.send_response(200)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        whole = self.server.asked.count(name) > self.server.breaks
        self.wfile.write(content if whole else content[: len(content) // 2])

    def log_message(self, *_):
        """Says nothing."""


@pytest.fixture
def serve(folder, tmp_path_factory, monkeypatch):
    """Call it for a server on this machine that has the tiny files, and a folder to put them in."""
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    monkeypatch.setattr(_downloads, "WAITS", (0,) * 4)
    files = folder / fashion_mnist.FOLDER
    for name in fashion_mnist.OFFICIAL_MD5:
        own = hashlib.md5((files / name).read_bytes()).hexdigest()
        monkeypatch.setitem(fashion_mnist.OFFICIAL_MD5, name, own)
    servers = []

    def start(breaks):
        server = Server(files, breaks)
        servers.append(server)
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}).start()
        address = f"http://127.0.0.1:{server.server_port}/"
        monkeypatch.setattr(FashionMNIST, "mirrors", [address])
        return server, tmp_path_factory.mktemp("fetched")

    yield start
    for server in servers:
        server.shutdown()
        server.server_close()


def test_a_download_that_breaks_off_is_tried_again(serve, caplog):
    server, data_dir = serve(breaks=2)  # torchvision asks twice for a file
    dataset = fashion_mnist.load(data_dir, True, "official")
    assert np.array_equal(dataset.pool, IMAGES[:, None])
    assert "Fashion-MNIST: File not found or corrupted.; again in 0 s" in caplog.text
    asked = len(server.asked)
    fashion_mnist.load(data_dir, True, "official")
    assert len(server.asked) == asked, "what is there is not fetched again"


def test_half_a_file_is_never_taken_for_the_whole(serve):
    server, data_dir = serve(breaks=1000)
    sentence = r"Fashion-MNIST could not be had in .*: File not found or corrupted"
    with pytest.raises(InputError, match=sentence):
        fashion_mnist.load(data_dir, True, "official")
    assert len(server.asked) == 5 * 2
    first, *others = fashion_mnist.OFFICIAL_MD5
    for name in others:
        shutil.copy(server.folder / name, data_dir / fashion_mnist.FOLDER)
    with pytest.raises(InputError, match=f"{first}: damaged or another file"):
        fashion_mnist.load(data_dir, False, "official")
    server.breaks = 0  # a later run
    assert len(fashion_mnist.load(data_dir, True, "official")) == 13


def test_what_is_not_there_is_asked_for_once(serve):
    server, data_dir = serve(breaks=0)
    (server.folder / fashion_mnist.TRAIN_FILES[0]).unlink()
    with pytest.raises(InputError, match=r"Fashion-MNIST could not be had in .*: HTTP Error 404"):
        fashion_mnist.load(data_dir, True, "official")
    assert len(server.asked) == 1


def test_a_busy_server_is_asked_again(serve, caplog):
    server, data_dir = serve(breaks=0)
    server.busy = 1
    assert len(fashion_mnist.load(data_dir, True, "official")) == 13
    assert "HTTP Error 429: Too Many Requests; again in 0 s" in caplog.text


def test_a_full_disk_is_one_sentence_at_once(tmp_path, monkeypatch):
    asked = []

    def full(*_):
        asked.append(1)
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(torchvision.datasets.utils, "download_url", full)
    with pytest.raises(InputError, match="the disk is full, and Fashion-MNIST is not there as a w"):
        fashion_mnist.load(tmp_path, True, "official")
    assert len(asked) == 1
