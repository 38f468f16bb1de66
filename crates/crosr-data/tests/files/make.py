"""Writes the files beside this one that other programs have to write: MATLAB files by SciPy,
pickles by Python 3 and NumPy.

Pixel (x, y) of picture k is that of `rgb` in ../common/mod.rs.
"""

import pathlib
import pickle

import numpy as np
import scipy.io

HERE = pathlib.Path(__file__).parent


def picture(k):
    y, x = np.mgrid[0:32, 0:32]
    planes = [x * 7 + y + k, y * 5 + 3, x * 3 + y * 2 + 90 * k]
    return np.stack([plane % 256 for plane in planes], axis=-1).astype(np.uint8)


pictures = np.stack([picture(1), picture(2)], axis=-1)
for name, labels, compressed in [
    ("compressed.mat", np.array([[10], [3]], np.uint8), True),
    ("plain.mat", np.array([[10.0], [3.0]]), False),
]:
    content = {"extra": np.arange(3.5), "y": labels, "X": pictures}
    scipy.io.savemat(HERE / name, content, do_compression=compressed)

rows = np.moveaxis(pictures, 2, 0).reshape(3072, 2).T.copy()
for protocol in [4, 5]:
    batch = {"batch_label": "two", "labels": [6, 9], "data": rows, "filenames": ["a.png", "b.png"]}
    (HERE / f"batch.{protocol}.pickle").write_bytes(pickle.dumps(batch, protocol))
