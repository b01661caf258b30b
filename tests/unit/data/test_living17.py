"""Living-17 from a tiny folder in the form of ImageNet."""

import json

import numpy as np
import pytest
from official import MD5SUMS, jpeg, write_checksums
from PIL import Image

from palimpsest.data.facts import Facts
from palimpsest.data.forget_sets import classes
from palimpsest.data.sources import living17
from palimpsest.data.splits import base_split
from palimpsest.files import InputError

TRAIN, VAL = 3, 1  # images of each synset
KEPT = 2
SMALL = {"side": 16, "train_images": KEPT}


def grey(part, group, number):
    """The level of an image."""
    return 3 * group + (15 if part == "val" else 10 * number)


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """Images of 40 x 32 pixels, and the sums of those that are read."""
    folder, names = tmp_path_factory.mktemp("imagenet"), []
    for part, count in (("train", TRAIN), ("val", VAL)):
        for group, synset in enumerate(living17.synsets()):
            own = folder / part / synset
            own.mkdir(parents=True)
            for number in range(count):
                path = own / f"{synset}_{number}.JPEG"
                path.write_bytes(jpeg(np.full((32, 40, 3), grey(part, group, number), np.uint8)))
                if part == "val" or number < KEPT:
                    names.append(str(path.relative_to(folder)))
    write_checksums(folder, names, 68 * KEPT, 68 * VAL)
    return folder


@pytest.fixture
def folder(whole, tmp_path):
    """The same, whose files are links and may be taken away; with a file of sums of its own."""
    for synset in living17.synsets():
        for part in ("train", "val"):
            own = tmp_path / part / synset
            own.mkdir(parents=True)
            for path in (whole / part / synset).iterdir():
                (own / path.name).symlink_to(path)
    (tmp_path / MD5SUMS).write_bytes((whole / MD5SUMS).read_bytes())
    return tmp_path


def load(data_dir, **settings):
    return living17.load(data_dir, False, MD5SUMS, **SMALL | settings)


def test_a_file_of_checksums_of_all_images_says_how_many_there_are(folder):
    write_checksums(folder, [], 68 * 1300, 68 * 50)
    assert living17.facts(folder, MD5SUMS, train_images=650).points == 68 * 700
    write_checksums(folder, [], 68 * 3, 68 * 2)
    assert living17.facts(folder, MD5SUMS, train_images=650).points == 68 * 5


def test_seventeen_kinds_of_four_synsets_each():
    content = json.loads(living17.FILE.read_text())
    assert len(content["kinds"]) == living17.KINDS
    assert all(len(own) == 4 for own in content["kinds"].values())
    assert len(living17.synsets()) == living17.SYNSETS == len(set(living17.synsets().values()))
    assert all(len(one) == 9 and one[0] == "n" and one[1:].isdigit() for one in living17.synsets())
    assert "commit" in content["source"]


def test_images_come_by_kind_synset_and_name(whole):
    dataset = load(whole)
    assert dataset.pool.shape == (68 * (KEPT + VAL), 3, 16, 16)
    wanted = [grey("train", group, number) for group in range(68) for number in range(KEPT)]
    wanted += [grey("val", group, 0) for group in range(68)]
    assert np.abs(dataset.pool.mean(axis=(1, 2, 3)) - wanted).max() < 2
    assert dataset.train_points == 68 * KEPT
    groups = [*np.repeat(np.arange(68), KEPT), *range(68)]
    assert dataset.groups.tolist() == groups
    assert dataset.labels.tolist() == [group // 4 for group in groups]
    assert dataset.facts == living17.facts(whole, MD5SUMS, **SMALL)
    assert dataset.classes == 17


def test_a_synset_is_forgotten_as_a_class(whole):
    dataset = load(whole)
    forget = classes.choose(base_split(dataset), None, dataset.groups_or_labels, classes=[5])
    assert forget.tolist() == [10, 11]


def test_the_numbers_of_the_paper(tmp_path):
    assert living17.facts(tmp_path, "official") == Facts(47_600, 44_200, 17, (3, 64, 64), groups=68)
    whole = living17.facts(tmp_path, "official", side=224, train_images=1300)
    assert (whole.train_points, whole.points - whole.train_points) == (88_400, 3_400)
    assert living17.facts(tmp_path, "absent") is None


def test_the_middle_of_an_image_is_kept(tmp_path):
    """Of 64 x 32 pixels those in columns 18 to 46 and rows 2 to 30."""
    pixels = np.zeros((32, 64, 3), np.uint8)
    pixels[2:30, 18:32, 0] = 200  # red on the left
    pixels[2:30, 32:46, 2] = 200  # blue on the right
    Image.fromarray(pixels).save(tmp_path / "a.JPEG", quality=100, subsampling=0)
    found = living17._middle(tmp_path / "a.JPEG", 28)
    assert found.shape == (3, 28, 28)
    assert np.abs(found[0, :, :13].astype(int) - 200).max() < 12
    assert np.abs(found[2, :, 15:].astype(int) - 200).max() < 12
    assert found[1].max() < 12
    Image.fromarray(pixels[..., 0]).save(tmp_path / "grey.JPEG")
    assert np.ptp(living17._middle(tmp_path / "grey.JPEG", 28), axis=0).max() == 0


def test_imagenet_has_its_numbers_of_images(whole):
    synset = next(iter(living17.synsets()))
    with pytest.raises(InputError) as error:
        living17.check(whole, False, "official")
    assert str(error.value) == (
        f"{whole}/train/{synset}: holds 3 images (*.JPEG) of eft; needed: 1300, as in ImageNet"
    )


def refused(data_dir, call=load):
    with pytest.raises(InputError) as error:
        call(data_dir)
    assert "\n" not in str(error.value)
    return str(error.value)


def test_what_is_missing_is_one_sentence(folder):
    synset = list(living17.synsets())[20]
    own = folder / "val" / synset
    (image,) = own.iterdir()
    image.unlink()
    assert refused(folder) == (f"{own}: holds 0 images (*.JPEG) of ptarmigan; needed: at least one")
    own.rmdir()
    assert refused(folder) == (
        f"{own}: there is no such folder, of ptarmigan; needed: ImageNet in {folder}: train and "
        "val, and in both a folder for each of 68 synsets"
    )
    with pytest.raises(InputError, match="ImageNet cannot be fetched; needed: download: false"):
        living17.check(folder, True, "official")


def test_a_damaged_image_is_one_sentence(folder):
    synset = list(living17.synsets())[3]
    path = folder / "train" / synset / f"{synset}_1.JPEG"
    content = path.read_bytes()
    path.unlink()
    path.write_bytes(content[:200])
    name = f"train/{synset}/{synset}_1.JPEG"
    assert f"{folder}/{name}: damaged or another file (MD5 " in refused(folder)
    sums = [line for line in (folder / MD5SUMS).read_text().splitlines() if name not in line]
    (folder / MD5SUMS).write_text("\n".join(sums) + "\n")
    assert f"{MD5SUMS}: has no checksum of {name}; needed: one line per file" in refused(folder)
    names = [line.split()[1] for line in sums[1:]]
    write_checksums(folder, [*names, name])
    assert refused(folder).startswith(f"{path}: not readable as a JPEG image (")
    path.write_bytes(b"no image")
    write_checksums(folder, [*names, name])
    assert refused(folder).startswith(f"{path}: not readable as a JPEG image (cannot identify")
