"""Small files in the form of the official ones, with checksums of their own."""


def write_checksums(source, data_dir):
    """MD5SUMS beside the files of a source, which has ten training images and three test images."""
    folder = data_dir / source.FOLDER
    whole = {name: (folder / name).read_bytes() for name in source.OFFICIAL_MD5}
    (folder / "MD5SUMS").write_text(source.checksum_text(whole, 10, 3))
