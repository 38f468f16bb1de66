"""Pictures a second of torchvision, for comparison with examples/rate.rs.

    torchvision_rate.py cifar|folder DIR none|flip-crop|reference [SECONDS]

One process, one thread: what one core does. The transforms are torchvision's own, in the order in
which its documentation and the published CROSR code have them, on uint8 tensors (v2) or on PIL
pictures, whichever CROSR_PIL asks for.
"""

import json
import os
import pathlib
import sys
import time

import torch
from PIL import Image
from torchvision.transforms import InterpolationMode, v2

MEAN, STD = [0.4914, 0.4822, 0.4465], [0.2023, 0.1994, 0.2010]


def cifar(folder):
    raw = (folder / "cifar-10-batches-bin" / "test_batch.bin").read_bytes()
    records = torch.frombuffer(bytearray(raw), dtype=torch.uint8).reshape(-1, 3073)
    planes = records[:, 1:].reshape(-1, 3, 32, 32)
    if os.environ.get("CROSR_PIL"):
        arrays = planes.permute(0, 2, 3, 1).contiguous().numpy()
        return len(arrays), lambda i: Image.fromarray(arrays[i])
    return len(planes), lambda i: planes[i]


def folder(root):
    files = sorted(p for p in root.rglob("*") if p.suffix.lower() in (".png", ".jpg", ".jpeg"))
    if os.environ.get("CROSR_PIL"):
        return len(files), lambda i: Image.open(files[i]).convert("RGB")
    from torchvision.io import ImageReadMode, decode_image

    return len(files), lambda i: decode_image(str(files[i]), ImageReadMode.RGB)


def transforms(name, pil):
    to_tensor = [v2.ToImage(), v2.ToDtype(torch.float32, scale=True), v2.Normalize(MEAN, STD)]
    if not pil:
        to_tensor = to_tensor[1:]
    changes = {
        "none": [],
        "flip-crop": [v2.RandomCrop(32, padding=4), v2.RandomHorizontalFlip()],
        "reference": [
            v2.ColorJitter(brightness=0.5, hue=0.3),
            v2.RandomAffine(30, (0.2, 0.2), (0.75, 1.0), interpolation=InterpolationMode.BILINEAR),
            v2.RandomHorizontalFlip(),
        ],
    }
    return v2.Compose(changes[name] + to_tensor)


def main():
    kind, root, augment, *seconds = sys.argv[1:]
    torch.set_num_threads(1)
    count, load = {"cifar": cifar, "folder": folder}[kind](pathlib.Path(root))
    change = transforms(augment, os.environ.get("CROSR_PIL"))
    size = v2.Resize((32, 32), antialias=True)

    def epoch():
        order = torch.randperm(count).tolist()
        for start in range(0, count, 128):
            batch = []
            for i in order[start : start + 128]:
                picture = load(i)
                if kind == "folder":
                    picture = size(picture)
                batch.append(change(picture))
            yield torch.stack(batch)

    for _ in epoch():
        pass
    start, images, patience = time.perf_counter(), 0, float(seconds[0]) if seconds else 5.0
    while time.perf_counter() - start < patience:
        for batch in epoch():
            images += len(batch)
    rate = images / (time.perf_counter() - start)
    print(json.dumps({"images_per_second": round(rate, 1), "images": images}))


main()
