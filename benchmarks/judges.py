"""Train the networks by whose features samples of the built-in images are judged, and measure them.

    python benchmarks/judges.py train digits|fashion [--seeds 0-2] [--to FOLDER]    FOLDER/NAME-SEED.safetensors, one for each seed
    python benchmarks/judges.py measure digits|fashion [--to FOLDER]                test accuracy, size, hash and cost of each
    python benchmarks/judges.py publish digits|fashion [--to FOLDER]                the median seed goes into the package

Training sees the training split alone, for a number of epochs that is fixed here: the test split selects nothing. With --slice a tenth
of the training split is kept aside and accuracy is told on that, for whoever tunes the settings below.
Training takes one thread, so that a seed gives the same weights on the same machine; train several sets side by side to use more. With
MALLOC_MMAP_THRESHOLD_=1073741824 MALLOC_TRIM_THRESHOLD_=4294967296 glibc keeps its memory, which makes it a third faster.
"""

import argparse
import json
import shutil
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.functional import affine_grid, cross_entropy, grid_sample, interpolate

from mulligan.data.dataset import Split
from mulligan.data.opening import open_dataset
from mulligan.metrics.judge import HALVES, SIDE, Judge, read_judge
from mulligan.randomness import mixed, torch_generator
from mulligan.recipe import Data
from mulligan.runs import tensors as tensors_file

ROOT = Path(__file__).resolve().parent.parent
RESULTS = ROOT / "benchmarks" / "results" / "judges.json"
PACKAGE = ROOT / "src" / "mulligan" / "metrics" / "judges"
HELD = 10  # --slice keeps one in so many training samples aside

MOMENTUM = 0.9
DECAY = 5e-4  # weight decay, of convolutions and the linear layer
WARM = 0.2  # share of the steps until the peak of the learning rate, risen to along a line and left along a line that ends at zero
SMOOTHING = 0.05  # of labels: little, since much of it pulls all images of a class onto one point
AVERAGE = 0.995  # per step, of weights and of BatchNorm's statistics


@dataclass(frozen=True)
class Course:
    """A judge's channels after each convolution, how long it trains, how many images a step sees, and what they go through."""

    widths: tuple[int, ...]
    epochs: int
    batch: int
    rate: float  # at the peak
    augment: Callable[[Tensor, torch.Generator], Tensor]


def crooked(images: Tensor, generator: torch.Generator) -> Tensor:
    """Digits as another hand would have written them: turned, sheared, scaled, shifted, and bent by a smooth random field.

    images: (N, 1, H, W). At most about 12 degrees, shear 0.15, an eighth in size and 2 pixels; the field has 4x4 nodes that move by a pixel
    or so (elastic distortion: Simard, Steinkraus and Platt 2003).
    """
    count, side = len(images), images.shape[-1]

    def within(limit: float) -> Tensor:
        return (torch.rand(count, generator=generator) * 2 - 1) * limit

    angle, shear = within(0.21), within(0.15)
    wide, high = within(0.12).exp(), within(0.12).exp()
    right, down = within(4 / side), within(4 / side)  # a side is 2 long
    cosine, sine = angle.cos(), angle.sin()
    rows = [
        torch.stack([cosine * wide, (shear * cosine - sine) * high, right], 1),
        torch.stack([sine * wide, (shear * sine + cosine) * high, down], 1),
    ]
    field = torch.randn(count, 2, 4, 4, generator=generator) * (2 * 1.0 / side)
    bent = interpolate(field, (side, side), mode="bicubic", align_corners=True).permute(0, 2, 3, 1)
    grid = affine_grid(torch.stack(rows, 1), list(images.shape), align_corners=False) + bent
    return grid_sample(images, grid, mode="bilinear", padding_mode="zeros", align_corners=False)


def turned_round(images: Tensor, generator: torch.Generator) -> Tensor:
    """Clothes seen from either side, at most a pixel away from the middle. images: (N, 1, H, W)."""
    mirrored = torch.rand(len(images), generator=generator) < 0.5
    images = torch.where(mirrored[:, None, None, None], images.flip(-1), images)
    down, right = torch.randint(0, 3, (2, len(images)), generator=generator)
    side = images.shape[-1]
    padded = nn.functional.pad(images[:, 0], (1, 1, 1, 1))
    rows, columns = down[:, None] + torch.arange(side), right[:, None] + torch.arange(side)
    return padded[torch.arange(len(images))[:, None, None], rows[:, :, None], columns[:, None, :]].unsqueeze(1)


COURSES = {
    "digits": Course(widths=(32, 64, 96, 128), epochs=36, batch=128, rate=0.1, augment=crooked),
    "fashion": Course(widths=(32, 64, 128, 128), epochs=16, batch=64, rate=0.07, augment=turned_round),
}


class Trainee(nn.Module):
    """A judge while it learns: the layers of mulligan.metrics.judge with BatchNorm after each convolution."""

    def __init__(self, widths: tuple[int, ...], classes: int) -> None:
        super().__init__()
        self.convolutions, self.norms = nn.ModuleList(), nn.ModuleList()
        inputs = 1
        for width in widths:
            self.convolutions.append(nn.Conv2d(inputs, width, 3, padding=1, bias=False))
            self.norms.append(nn.BatchNorm2d(width))
            inputs = width
        self.linear = nn.Linear(inputs, classes)

    def layers(self) -> Iterator[tuple[nn.Conv2d, nn.BatchNorm2d]]:
        """Each convolution with its BatchNorm."""
        for convolution, norm in zip(self.convolutions, self.norms, strict=True):
            assert isinstance(convolution, nn.Conv2d)
            assert isinstance(norm, nn.BatchNorm2d)
            yield convolution, norm

    def forward(self, pixels: Tensor) -> Tensor:
        """Logits (N, classes) of pixels (N, 1, 28, 28) in [0, 1]."""
        hidden = pixels
        for (convolution, norm), halves in zip(self.layers(), HALVES, strict=True):
            hidden = norm(convolution(hidden))
            if halves:
                hidden = nn.functional.max_pool2d(hidden, 2)  # before ReLU, which gives the same and has a quarter of the work
            hidden = nn.functional.relu(hidden, inplace=True)
        logits: Tensor = self.linear(hidden.mean((2, 3)))
        return logits

    def folded(self) -> dict[str, Tensor]:
        """What the judge carries: each BatchNorm's scale and shift, as it is outside training, moved into its convolution."""
        tensors = {}
        for place, (convolution, norm) in enumerate(self.layers()):
            assert norm.running_mean is not None
            assert norm.running_var is not None
            scale = norm.weight / (norm.running_var + norm.eps).sqrt()
            tensors[f"convolution.{place}.weight"] = convolution.weight * scale[:, None, None, None]
            tensors[f"convolution.{place}.bias"] = norm.bias - norm.running_mean * scale
        tensors["linear.weight"], tensors["linear.bias"] = self.linear.weight, self.linear.bias
        return {name: tensor.detach().clone().contiguous() for name, tensor in tensors.items()}


def splits(name: str) -> tuple[Split, Split]:
    """Training and test split of a built-in set."""
    dataset = open_dataset(Data(source=name))
    assert isinstance(dataset.train, Split)
    assert isinstance(dataset.test, Split)
    return dataset.train, dataset.test


def tensors(split: Split) -> tuple[Tensor, Tensor]:
    """Pixels (N, 1, 28, 28) uint8 and labels (N,)."""
    assert split.label is not None
    assert split.target.shape[1:] == (1, SIDE, SIDE)
    return torch.from_numpy(split.target), torch.from_numpy(split.label)


def rise_and_fall(step: int, steps: int) -> float:
    """Learning rate of a step as a share of its peak: up along a line, down along a line."""
    at = (step + 0.5) / steps
    return min(at / WARM, (1 - at) / (1 - WARM))


def train(course: Course, pixels: Tensor, labels: Tensor, seed: int, tell: Callable[[str], None]) -> Trainee:
    """A trained network, with the average of its weights in place of the last ones."""
    torch.manual_seed(mixed(seed, "judge/weights"))
    trainee = Trainee(course.widths, int(labels.max()) + 1)
    for convolution, _ in trainee.layers():
        convolution.weight.data = convolution.weight.data.contiguous(memory_format=torch.channels_last)
    average = {name: tensor.detach().clone() for name, tensor in trainee.state_dict().items()}
    weights = [parameter for parameter in trainee.parameters() if parameter.ndim > 1]
    others = [parameter for parameter in trainee.parameters() if parameter.ndim == 1]
    groups = [{"params": weights, "weight_decay": DECAY}, {"params": others, "weight_decay": 0.0}]
    optimiser = torch.optim.SGD(groups, lr=course.rate, momentum=MOMENTUM, nesterov=True)
    per_epoch = len(pixels) // course.batch
    began = time.perf_counter()
    for epoch in range(course.epochs):
        order = torch.randperm(len(pixels), generator=torch_generator(seed, "judge/order", epoch))
        loss = torch.zeros(())
        for place in range(per_epoch):
            step = epoch * per_epoch + place
            chosen = order[place * course.batch : (place + 1) * course.batch]
            images = course.augment(pixels[chosen].float() / 255, torch_generator(seed, "judge/augment", step))
            for group in optimiser.param_groups:
                group["lr"] = course.rate * rise_and_fall(step, course.epochs * per_epoch)
            loss = cross_entropy(trainee(images.contiguous(memory_format=torch.channels_last)), labels[chosen], label_smoothing=SMOOTHING)
            optimiser.zero_grad()
            torch.autograd.backward(loss)
            optimiser.step()
            _average(average, trainee.state_dict(), step)
        tell(f"epoch {epoch + 1} of {course.epochs}: loss {float(loss.detach()):.3f} after {time.perf_counter() - began:.0f} s")
    trainee.load_state_dict(average)
    trainee.eval()
    return trainee


def _average(average: dict[str, Tensor], now: dict[str, Tensor], step: int) -> None:
    """Move the average towards the tensors of now; the first steps count for more, so that the start is soon forgotten."""
    held = min(AVERAGE, (step + 1) / (step + 10))
    for name, tensor in now.items():
        if tensor.is_floating_point():
            average[name].lerp_(tensor, 1 - held)
        else:
            average[name].copy_(tensor)


def train_all(name: str, seeds: range, folder: Path, part: bool) -> None:
    """One file per seed; a seed that is there already is left as it is."""
    pixels, labels = tensors(splits(name)[0])
    held = torch.zeros(len(pixels), dtype=torch.bool)
    if part:
        held[torch.randperm(len(pixels), generator=torch_generator(0, "judge/slice"))[: len(pixels) // HELD]] = True
    folder.mkdir(parents=True, exist_ok=True)
    for seed in seeds:
        path = folder / f"{name}-{seed}{'-slice' if part else ''}.safetensors"
        if path.exists():
            continue

        def tell(text: str, seed: int = seed) -> None:
            print(f"{name}, seed {seed}: {text}", file=sys.stderr, flush=True)

        began = time.thread_time()
        trainee = train(COURSES[name], pixels[~held], labels[~held], seed, tell)
        tell(f"{(time.thread_time() - began) / 60:.1f} minutes of one core")
        if part:
            tell(f"accuracy on the slice {accuracy(Judge(trainee.folded()), pixels[held], labels[held]):.2%}")
        tensors_file.write(path, trainee.folded())


def accuracy(judge: Judge, pixels: Tensor, labels: Tensor) -> float:
    """Share of images (N, 1, 28, 28) whose class the judge says right."""
    logits = judge.logits(judge.depths(pixels[:, 0])["late"])
    return float((logits.argmax(1) == labels).double().mean())


def measure(name: str, folder: Path) -> list[dict[str, Any]]:
    """A row for each seed in the folder: accuracy on the test split, bytes, hash, and seconds for the features of 10,000 images."""
    pixels, labels = tensors(splits(name)[1])
    rows = []
    for path in sorted(folder.glob(f"{name}-[0-9].safetensors")):
        digest = sha256(path.read_bytes()).hexdigest()
        judge = read_judge(path, digest)
        row = {
            "judge": name,
            "seed": int(path.stem.rpartition("-")[2]),
            "accuracy": round(accuracy(judge, pixels, labels), 4),
            "images": len(pixels),
            "weights": sum(tensor.numel() for tensor in judge.tensors.values()),
            "bytes": path.stat().st_size,
            "sha256": digest,
            "seconds": {str(threads): round(cost(judge, pixels[:2000, 0], threads), 2) for threads in (1, 2)},
            "date": datetime.now(UTC).date().isoformat(),
        }
        print(json.dumps(row), flush=True)
        rows.append(row)
    return rows


def cost(judge: Judge, images: Tensor, threads: int) -> float:
    """Seconds for the features of 10,000 images (least of three)."""
    torch.set_num_threads(threads)
    taken = []
    for _ in range(3):
        began = time.perf_counter()
        judge.depths(images)
        taken.append(time.perf_counter() - began)
    torch.set_num_threads(1)
    return min(taken) * 10_000 / len(images)


def publish(name: str, folder: Path) -> None:
    """The seed of median accuracy goes into the package, and what was measured into the results."""
    rows = measure(name, folder)
    chosen = sorted(rows, key=lambda row: (row["accuracy"], row["seed"]))[(len(rows) - 1) // 2]
    shutil.copy(folder / f"{name}-{chosen['seed']}.safetensors", PACKAGE / f"{name}.safetensors")
    before = json.loads(RESULTS.read_text()) if RESULTS.exists() else []
    kept = [row for row in before if row["judge"] != name]
    RESULTS.write_text(json.dumps(sorted(kept + rows, key=lambda row: (row["judge"], row["seed"])), indent=1) + "\n")
    print(f"seed {chosen['seed']}: write its SHA-256 into PUBLISHED of mulligan/metrics/judge.py: {chosen['sha256']}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=("train", "measure", "publish"))
    parser.add_argument("name", choices=sorted(COURSES))
    parser.add_argument("--seeds", default="0-2", help="first-last, with both")
    parser.add_argument("--to", type=Path, default=Path("judges"), metavar="FOLDER", help="where the files of all seeds are")
    parser.add_argument("--slice", action="store_true", help="train on nine tenths, and tell the accuracy on the last tenth")
    given = parser.parse_args()
    torch.set_num_threads(1)
    if given.what == "train":
        first, _, last = given.seeds.partition("-")
        train_all(given.name, range(int(first), int(last or first) + 1), given.to, given.slice)
    elif given.what == "measure":
        measure(given.name, given.to)
    else:
        publish(given.name, given.to)


if __name__ == "__main__":
    main()
