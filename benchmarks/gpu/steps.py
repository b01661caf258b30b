"""Milliseconds per training step of the paper's ResNet-9 on one GPU, then one whole model.

Needs torch (2.11 or later) alone. --out is rewritten after each variant, so a kill loses nothing:

    python benchmarks/gpu/steps.py --out steps.json --data cifar10.pt --minutes 8
    python benchmarks/gpu/steps.py --markdown steps.json
    python benchmarks/gpu/steps.py --pack cifar-10-batches-py --to cifar10.pt

--pack takes a folder of packed JPEG files (cifar10_train.npz), too; that needs NumPy and Pillow.

A step is gather, forward, backward and SGD: launched kernel by kernel (eager or compiled) or
replayed from a CUDA graph; of one model, of several on streams of their own, or of a stack (k
models as one network of grouped convolutions). Each variant is compared with eager steps of
ordinary models from the same start. Without --data the images are synthetic: the times hold, the
accuracy means nothing, and the file says so. --resume carries on from the file that --out names.
"""

import argparse
import contextlib
import gc
import json
import os
import pickle
import platform
import shlex
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

os.environ.setdefault("CUDA_DEVICE_MAX_CONNECTIONS", "32")  # read when CUDA starts

import torch
import torch.nn.functional as F
from torch import Tensor, nn

CLASSES, SIDE = 10, 32
MEAN, STD = (0.4914, 0.4822, 0.4465), (0.2023, 0.1994, 0.2010)
MOMENTUM, WEIGHT_DECAY, TOP_RATE = 0.9, 5e-4, 0.4
# Rates of the steps in which a variant is compared with ordinary models: small, or rounding would
# grow chaotically, and all different, so that a rate frozen into a graph shows.
CHECKED_RATES = [1e-3, 2e-3, 3e-3, 4e-3, 5e-3, 6e-3]
# Distance allowed after them, in units of the way the weights moved. Seen on a CPU: 0.7 or more for
# wrong batches or lost momentum; 0.27 for bf16 against fp32, 0.03 for other kernels in fp32.
TOLERANCE = {"bf16": 0.5, "fp32": 0.25}
SECONDS = {None: 20, "default": 80, "max-autotune-no-cudagraphs": 200}  # expected, by compilation


@dataclass(frozen=True)
class Size:
    width: int = 64
    batches: tuple[int, int] = (512, 64)  # large, small
    copies: tuple[int, ...] = (2, 4, 8)  # models at once
    epochs: int = 24
    peak_epoch: int = 5
    repeats: int = 7
    block_seconds: float = 0.25
    learning_steps: int = 60
    synthetic_points: tuple[int, int] = (50_000, 10_000)


TOY = Size(2, (16, 8), (2,), 3, 1, 2, 0.0, 30, (96, 48))


# ------------------------------------------------------------------------------------------- data
def load_parts(path: str, size: Size, device: torch.device) -> dict[str, Tensor]:
    """Images uint8 (points, 3, 32, 32) and labels of both sides; synthetic when path is 'none'."""
    if path == "none":
        parts: dict[str, Tensor] = {}
        how: Any = {"device": device, "generator": torch.Generator(device).manual_seed(0)}
        patterns = F.interpolate(torch.randn(CLASSES, 3, 4, 4, **how), size=(SIDE, SIDE))
        for side, points in zip(("train", "test"), size.synthetic_points, strict=True):
            labels = torch.randint(CLASSES, (points,), **how)
            noise = 40 * torch.randn(points, 3, SIDE, SIDE, **how)
            pixels = (128 + 40 * patterns[labels] + noise).clamp(0, 255)
            parts |= {f"{side}_images": pixels.to(torch.uint8), f"{side}_labels": labels}
        return parts
    parts = torch.load(path, map_location=device, weights_only=True)
    for side in ("train", "test"):
        images, labels = (parts.get(f"{side}_{k}", torch.zeros(0)) for k in ("images", "labels"))
        if images.dtype != torch.uint8 or images.shape != (len(labels), 3, SIDE, SIDE):
            raise ValueError(
                f"{path}: {side}_images must be uint8 (points, 3, 32, 32), all labelled"
            )
        parts[f"{side}_labels"] = labels.long()
    return parts


def normalised(images: Tensor, precision: str) -> Tensor:
    """Images (points, 32, 32, 3) in which a gathered row is channels-last without a copy."""
    mean, std = (torch.tensor(values, device=images.device) for values in (MEAN, STD))
    pixels = (images.permute(0, 2, 3, 1).float() / 255 - mean) / std
    return pixels.to(torch.bfloat16 if precision == "bf16" else torch.float32).contiguous()


class PickledArray(bytearray):
    """Takes the place of a NumPy array (or its dtype) in a pickle, and keeps its bytes."""

    def __init__(self, *_: Any) -> None:
        super().__init__()

    def __setstate__(self, state: tuple[Any, ...]) -> None:
        self += state[-1] if isinstance(state[-1], bytes) else b""


class BatchReader(pickle.Unpickler):
    """Reads the official batches without NumPy, and refuses whatever is not an array."""

    def find_class(self, module: str, name: str) -> Any:
        if (module, name) == ("_codecs", "encode"):
            return str.encode
        if module.startswith("numpy") and name in ("_reconstruct", "ndarray", "dtype"):
            return PickledArray
        raise pickle.UnpicklingError(f"unexpected {module}.{name}")


def pack(folder: Path, out: Path) -> None:
    """Writes CIFAR-10 of a folder as the one file that --data reads."""
    packed = (folder / "cifar10_train.npz").is_file()
    parts = read_jpegs(folder) if packed else read_batches(folder)
    write_atomically(out, lambda file: torch.save(parts, file))


def read_jpegs(folder: Path) -> dict[str, Tensor]:
    """Packed JPEG files (data, offsets, labels, orig_index), in official order."""
    import io
    import itertools

    import numpy as np
    from PIL import Image

    parts: dict[str, Tensor] = {}
    for side in ("train", "test"):
        with np.load(folder / f"cifar10_{side}.npz") as file:
            data, offsets, labels, order = (
                file[name] for name in ("data", "offsets", "labels", "orig_index")
            )
        files = [data[a:b].tobytes() for a, b in itertools.pairwise(offsets)]
        rows = np.argsort(order)
        pixels = np.stack([np.asarray(Image.open(io.BytesIO(files[row]))) for row in rows])
        images = torch.from_numpy(pixels).permute(0, 3, 1, 2).contiguous()
        own = torch.from_numpy(labels[rows].astype(np.int64))
        parts |= {f"{side}_images": images, f"{side}_labels": own}
    return parts


def read_batches(folder: Path) -> dict[str, Tensor]:
    """The official python batches."""
    parts: dict[str, Tensor] = {}
    batches = {"train": [f"data_batch_{i}" for i in range(1, 6)], "test": ["test_batch"]}
    for side, names in batches.items():
        images, labels = bytearray(), []
        for name in names:
            with open(folder / name, "rb") as file:
                batch = BatchReader(file, encoding="bytes").load()
            images += batch[b"data"]
            labels += batch[b"labels"]
        if len(images) != len(labels) * 3 * SIDE * SIDE:
            raise ValueError(f"{folder}: the {side} batches do not hold 3072 bytes for each label")
        pixels = torch.frombuffer(images, dtype=torch.uint8).view(-1, 3, SIDE, SIDE)
        parts |= {f"{side}_images": pixels, f"{side}_labels": torch.tensor(labels)}
    return parts


# ---------------------------------------------------------------------------------------- network
class Residual(nn.Sequential):
    def forward(self, x: Tensor) -> Tensor:
        return x + super().forward(x)


class ResNet9(nn.Module):
    """The paper's ResNet-9, or k of them as one network of k groups (a stack).

    Images (batch, 3 k, 32, 32) to float32 logits (k, batch, 10). Every parameter and buffer of a
    stack is the concatenation of its models' along the first dimension.
    """

    def __init__(self, width: int = 64, models: int = 1) -> None:
        super().__init__()
        self.models = models

        def conv_bn(a: int, b: int, kernel: int = 3, stride: int = 1, pad: int = 1) -> nn.Module:
            how: Any = {"groups": models, "bias": False}
            conv = nn.Conv2d(a * models, b * models, kernel, stride, pad, **how)
            norm = nn.BatchNorm2d(b * models)
            norm.num_batches_tracked = None  # unused with a fixed momentum; saves a launch
            return nn.Sequential(conv, norm, nn.ReLU(inplace=True))

        w, w2, w4 = width, 2 * width, 4 * width
        layers = [conv_bn(3, w), conv_bn(w, w2, 5, 2, 2)]
        layers += [Residual(conv_bn(w2, w2), conv_bn(w2, w2)), conv_bn(w2, w4), nn.MaxPool2d(2)]
        layers += [Residual(conv_bn(w4, w4), conv_bn(w4, w4)), conv_bn(w4, w2, 3, 1, 0)]
        self.features = nn.Sequential(*layers, nn.AdaptiveMaxPool2d(1), nn.Flatten())
        self.head = nn.Linear(w2, CLASSES * models, bias=False)

    def forward(self, images: Tensor) -> Tensor:
        features = self.features(images).view(len(images), self.models, -1).transpose(0, 1)
        weights = self.head.weight.view(self.models, CLASSES, -1).transpose(1, 2)
        return torch.bmm(features, weights).float() * 0.2


# ---------------------------------------------------------------------------------------- trainer
class Trainer:
    """k models as one network, with all that a step reads or writes at fixed addresses.

    A step finds its batch, its learning rate and its place in the record of losses by a counter on
    the device: it never waits for the host, can be captured once, and then serves any number of
    models (`start` writes them in place). Everything happens on a stream of the trainer's own:
    warm-up, capture and replay must share it, and graphs captured on one common stream would
    share a matrix workspace, which graphs that run at once may not.
    """

    def __init__(
        self, lab: "Lab", batch: int, precision: str, models: int = 1, compiled: str | None = None
    ) -> None:
        self.lab, self.precision, self.models, at = lab, precision, models, lab.device
        self.stream = torch.cuda.Stream() if at.type == "cuda" else None
        self.graph: Any = None
        self.images, self.labels = lab.images("train", precision), lab.parts["train_labels"]
        steps = len(self.images) // batch
        capacity = max(4096, steps * lab.size.epochs)
        with self.on_stream():
            self.net = ResNet9(lab.size.width, models).to(at)
            self.net.to(memory_format=torch.channels_last)
            rate = torch.zeros((), device=at)
            how: Any = {"momentum": MOMENTUM, "weight_decay": WEIGHT_DECAY, "fused": True}
            self.optimizer = torch.optim.SGD(self.net.parameters(), rate, **how)
            self.rate = self.optimizer.param_groups[0]["lr"]
            self.orders = torch.zeros(steps, models, batch, dtype=torch.int64, device=at)
            self.rates = torch.zeros(capacity, device=at)
            self.history = torch.zeros(capacity, models, device=at)
            self.counter = torch.zeros(1, dtype=torch.int64, device=at)
        mode = None if compiled == "default" else compiled
        self.compiled = torch.compile(self.losses, mode=mode, dynamic=False) if compiled else None
        self.start(list(range(models)), [0.0])

    def on_stream(self) -> contextlib.AbstractContextManager[Any]:
        return torch.cuda.stream(self.stream) if self.stream else contextlib.nullcontext()

    def start(self, seeds: list[int], rates: list[float]) -> None:
        """Back to the beginning, in place: the seeds' weights, no momentum, the first batch."""
        states = []
        for seed in seeds:
            torch.manual_seed(seed)
            states.append(ResNet9(self.lab.size.width).state_dict())
        with self.on_stream(), torch.no_grad():
            for name, value in self.net.state_dict().items():
                value.copy_(torch.cat([state[name] for state in states]))
            for state in self.optimizer.state.values():
                state["momentum_buffer"].zero_()
            self.rates.fill_(rates[-1])
            self.rates[: len(rates)] = torch.tensor(rates, device=self.lab.device)
            self.counter.zero_()
        self.chances = [torch.Generator(self.lab.device).manual_seed(seed) for seed in seeds]
        self.shuffle()

    def shuffle(self) -> None:
        """A new order of the points for each model; what is left of a full batch is dropped."""
        steps, _, batch = self.orders.shape
        with self.on_stream():
            for j, chance in enumerate(self.chances):
                order = torch.randperm(len(self.images), generator=chance, device=self.lab.device)
                self.orders[:, j] = order[: steps * batch].view(steps, batch)

    def autocast(self) -> torch.autocast:
        on = self.precision == "bf16"  # without cache: a graph must cast the weights in each step
        return torch.autocast(self.lab.device.type, torch.bfloat16, enabled=on, cache_enabled=False)

    def losses(self, points: Tensor) -> Tensor:
        """Loss (models,) of each model on its own points (models, batch)."""
        models, batch = points.shape
        rows = self.images[points.T].permute(0, 2, 3, 1, 4)
        images = rows.reshape(batch, SIDE, SIDE, models * 3).permute(0, 3, 1, 2)
        with self.autocast():
            logits = self.net(images)
        labels = self.labels[points].flatten()
        each = F.cross_entropy(logits.flatten(0, 1), labels, reduction="none")
        return each.view(models, batch).mean(1)

    def step(self) -> None:
        """Queues one training step of all models on the current stream."""
        points = self.orders.index_select(0, self.counter % len(self.orders))[0]
        self.rate.copy_(self.rates.index_select(0, self.counter)[0])
        self.optimizer.zero_grad(set_to_none=True)
        losses = self.compiled(points) if self.compiled else self.losses(points)
        losses.sum().backward()
        self.optimizer.step()
        self.history.index_copy_(0, self.counter, losses.detach().unsqueeze(0))
        self.counter.add_(1).remainder_(len(self.history))

    def capture(self) -> None:
        """Records a step as a CUDA graph; the warm-up compiles, tunes and makes the momentum."""
        run([self], "launched", 3)
        self.graph = torch.cuda.CUDAGraph()
        with torch.cuda.graph(self.graph, stream=self.stream):
            self.step()

    def weights(self) -> Tensor:
        """All parameters (models, parameters of one model) on the host."""
        self.lab.synchronise()
        parts = [p.detach().reshape(self.models, -1).cpu() for p in self.net.parameters()]
        return torch.cat(parts, 1)

    @torch.no_grad()
    def accuracy(self) -> float:
        """Share of the test points that a lone model gets right in evaluation mode."""
        self.net.eval()
        images, labels = self.lab.images("test", self.precision), self.lab.parts["test_labels"]
        with self.on_stream(), self.autocast():
            logits = [self.net(rows.permute(0, 3, 1, 2))[0] for rows in images.split(1000)]
            return (torch.cat(logits).argmax(1) == labels).float().mean().item()


# -------------------------------------------------------------------------------------- measuring
@dataclass(frozen=True)
class Group:
    """Variants that share their trainers: launched, and replayed as a graph, timed in turn."""

    batch: int
    precision: str = "bf16"
    stack: int = 1
    streams: int = 1
    compiled: str | None = None

    def names(self) -> dict[str, str]:
        """Name of each way; several streams only replay, since one host cannot feed them."""
        text = f", compiled {self.compiled}" * bool(self.compiled)
        text += f", stack of {self.stack}" * (self.stack > 1)
        text += f", {self.streams} streams" * (self.streams > 1)
        ways = ("launched", "graph") if self.streams == 1 else ("graph",)
        return {way: f"{way}{text}, {self.precision}, batch {self.batch}" for way in ways}


def plan(size: Size) -> Iterator[Group | None]:
    """All groups, the most wanted first; None stands for the whole model."""
    large, small = size.batches
    yield from (Group(b, p) for p in ("bf16", "fp32") for b in (large, small))
    yield from (Group(b, streams=k) for b in (small, large) for k in size.copies)
    yield Group(large, compiled="default")
    yield None
    yield Group(small, compiled="default")
    yield from (Group(b, stack=k) for b in (small, large) for k in size.copies)
    yield from (Group(b, streams=4, compiled="default") for b in (small, large))
    yield from (Group(b, compiled="max-autotune-no-cudagraphs") for b in (large, small))


def run(trainers: list[Trainer], way: str, steps: int) -> None:
    """Queues steps of every trainer, in turn, each on its own stream."""
    for _ in range(steps):
        for trainer in trainers:
            with trainer.on_stream():
                trainer.graph.replay() if way == "graph" else trainer.step()


def time_block(trainers: list[Trainer], way: str, steps: int) -> tuple[float, float]:
    """Milliseconds per step of all trainers together: until done, and until queued."""
    trainers[0].lab.synchronise()
    streams = [trainer.stream for trainer in trainers if trainer.stream]
    if streams:
        start, end = (torch.cuda.Event(enable_timing=True) for _ in range(2))
        start.record()
        for stream in streams:
            stream.wait_event(start)
    began = time.perf_counter()
    run(trainers, way, steps)
    done = queued = 1e3 * (time.perf_counter() - began)
    if streams:
        for stream in streams:
            torch.cuda.current_stream().wait_stream(stream)
        end.record()
        end.synchronize()
        done = start.elapsed_time(end)
    return done / steps, queued / steps


def trial(lab: "Lab", trainers: list[Trainer], way: str, steps: int) -> tuple[Tensor, ...]:
    """Weights (models, parameters) at the start and after the checked steps; losses per step."""
    k, share = trainers[0].models, trainers[0].orders.shape[2] / lab.size.batches[0]
    for j, trainer in enumerate(trainers):
        trainer.start(list(range(j * k, j * k + k)), [*CHECKED_RATES, TOP_RATE / 4 * share])
    before = torch.cat([trainer.weights() for trainer in trainers])
    run(trainers, way, len(CHECKED_RATES))
    after = torch.cat([trainer.weights() for trainer in trainers])
    run(trainers, way, steps - len(CHECKED_RATES))
    lab.synchronise()
    return before, after, torch.cat([t.history[:steps].cpu() for t in trainers], 1)


def check(lab: "Lab", group: Group, trainers: list[Trainer], way: str) -> dict[str, Any]:
    """Does it learn, and agree with ordinary eager models from the same start and batches?"""
    before, after, losses = trial(lab, trainers, way, lab.size.learning_steps)
    ordinary = [Trainer(lab, group.batch, group.precision) for _ in before]
    _, expected, expected_losses = trial(lab, ordinary, "launched", len(CHECKED_RATES))
    distance = ((after - expected).norm(dim=1) / (expected - before).norm(dim=1)).max().item()
    first, last = losses[:5].mean().item(), losses[-5:].mean().item()
    return {
        "finite": bool(losses.isfinite().all() and after.isfinite().all()),
        "loss_first_last": [first, last],
        "loss_falls": last < first,
        "loss_gap": (losses[: len(CHECKED_RATES)] - expected_losses).abs().max().item(),
        "weight_distance": distance,
        "agrees": distance <= TOLERANCE[group.precision],
    }


def measure(lab: "Lab", group: Group) -> None:
    """Checks each way of a group, times those that work in turn, and records them."""
    names, trainers = group.names(), list[Trainer]()
    records: dict[str, dict[str, Any]] = {}
    blocks: dict[str, list[tuple[float, float]]] = {way: [] for way in names}
    torch.compiler.reset()  # or many groups would pass the limit of compilations of one function
    for way, name in names.items():
        record = {**asdict(group), "way": way, "models": group.stack * group.streams}
        if not lab.has_cuda and (way == "graph" or group.compiled):
            lab.put(name, record | {"status": "needs cuda"})
            continue
        with lab.recording(name, record):
            lab.peak_mib()
            how = (group.batch, group.precision, group.stack, group.compiled)
            trainers = trainers or [Trainer(lab, *how) for _ in range(group.streams)]
            for trainer in trainers if way == "graph" else ():
                trainer.capture()
            record["checks"] = check(lab, group, trainers, way)
            record["peak_mib"] = lab.peak_mib()
            records[way] = record
    for turn in range(1 + lab.size.repeats):  # turn 0 warms up and finds the steps of a block
        for way, record in records.items():
            if record["status"] == "error":
                continue
            with lab.recording(names[way], record):
                fill = int(1e3 * lab.size.block_seconds / blocks[way][0][0]) if turn else 0
                blocks[way].append(time_block(trainers, way, min(1000, max(5, fill))))
                done, queued = zip(*blocks[way][min(turn, 1) :], strict=True)
                record["ms_per_step"] = statistics.median(done)
                record["ms_per_model_step"] = record["ms_per_step"] / record["models"]
                record["ms_range"] = [min(done), max(done)]
                record["ms_queueing"] = statistics.median(queued)
                record["images_per_second"] = 1e3 * group.batch / record["ms_per_model_step"]


def whole_model(lab: "Lab") -> None:
    """Trains one model by the paper's recipe, in the fastest way measured for a lone model."""
    size, record = lab.size, {"epochs": lab.size.epochs, "synthetic_data": lab.synthetic}
    lone = {"batch": size.batches[0], "precision": "bf16", "models": 1, "status": "ok"}
    with lab.recording("whole model", record):
        fit = [r for r in lab.report["records"].values() if lone.items() <= r.items()]
        best = min(fit, key=lambda r: r["ms_per_step"])
        record |= {key: best[key] for key in ("batch", "precision", "compiled", "way")}
        began = time.perf_counter()
        trainer = Trainer(lab, best["batch"], best["precision"], compiled=best["compiled"])
        trainer.capture() if best["way"] == "graph" else run([trainer], "launched", 3)
        epoch = len(trainer.orders)
        peak, end = size.peak_epoch * epoch, size.epochs * epoch
        triangle = [min(t / peak, (end - t) / (end - peak)) for t in range(end)]
        trainer.start([0], [TOP_RATE * height for height in triangle])
        lab.synchronise()
        record["seconds_setup"], began = time.perf_counter() - began, time.perf_counter()
        for number in range(size.epochs):
            if number:
                trainer.shuffle()
            run([trainer], best["way"], epoch)
        lab.synchronise()
        record["seconds"] = time.perf_counter() - began
        losses = trainer.history[:end, 0].view(size.epochs, epoch).mean(1)
        record |= {"loss_per_epoch": losses.tolist(), "test_accuracy": trainer.accuracy()}


# ---------------------------------------------------------------------------------------- the run
class Lab:
    """One run: its data, its device, and the file to which every record goes at once."""

    def __init__(self, args: argparse.Namespace) -> None:
        self.size, self.device, self.out = TOY if args.toy else Size(), args.device, args.out
        self.deadline, self.synthetic = time.time() + 60 * args.minutes, args.data == "none"
        self.has_cuda = self.device.type == "cuda"
        self.parts = load_parts(args.data, self.size, self.device)
        self.resident: dict[tuple[str, str], Tensor] = {}
        self.report: dict[str, Any] = {"records": {}}
        if args.resume and self.out.exists():
            self.report = json.loads(self.out.read_text())
        for record in self.report["records"].values():
            if record["status"] == "running":
                record |= {"status": "error", "error": "the process ended in this variant"}
        data = "synthetic: its accuracy means nothing" if self.synthetic else args.data
        self.report |= {"machine": machine(self.device), "command": shlex.join(sys.argv)}
        self.report |= {"date": datetime.now(UTC).isoformat(timespec="seconds"), "data": data}
        self.report |= {"size": asdict(self.size), "points": len(self.parts["train_labels"])}

    def images(self, side: str, precision: str) -> Tensor:
        """Normalised images of a side, made once and shared by all trainers."""
        if (side, precision) not in self.resident:
            self.resident = {(side, precision): normalised(self.parts[f"{side}_images"], precision)}
            self.synchronise()  # the trainers read it on streams of their own
        return self.resident[side, precision]

    def synchronise(self) -> None:
        if self.device.type == "cuda":
            torch.cuda.synchronize()

    def peak_mib(self) -> int | None:
        """Most memory in use since the last call, or held by graphs now."""
        gc.collect()
        if self.device.type != "cuda":
            return None
        torch.cuda.empty_cache()
        peak = max(torch.cuda.max_memory_allocated(), torch.cuda.memory_reserved())
        torch.cuda.reset_peak_memory_stats()
        return peak // 2**20

    def put(self, name: str, record: dict[str, Any]) -> None:
        self.report["records"][name] = record
        plain = json.loads(json.dumps(self.report), parse_constant=str)  # NaN is no JSON
        text = json.dumps(plain, indent=1) + "\n"
        write_atomically(self.out, lambda file: file.write_text(text))

    @contextlib.contextmanager
    def recording(self, name: str, record: dict[str, Any]) -> Iterator[None]:
        """Writes a record before and after; an exception ends here, as the record's error text."""
        record["status"] = "running"
        self.put(name, record)
        try:
            yield
            record["status"] = "ok"
        except Exception as error:
            record |= {"status": "error", "error": f"{type(error).__name__}: {error}"[:2000]}
        self.put(name, record)


def machine(device: torch.device) -> dict[str, Any]:
    """What the times depend on."""
    facts: dict[str, Any] = {"torch": torch.__version__, "python": platform.python_version()}
    facts |= {"host_threads": torch.get_num_threads(), "host_cpus": os.cpu_count()}
    if device.type != "cuda":
        return facts | {"device": platform.machine()}
    with contextlib.suppress(OSError):
        query = ["nvidia-smi", "--query-gpu=driver_version", "--format=csv,noheader"]
        facts["driver"] = subprocess.run(query, capture_output=True, text=True).stdout.strip()
    facts |= {"cuda": torch.version.cuda, "cudnn": torch.backends.cudnn.version()}
    return facts | {"device": torch.cuda.get_device_name(device)}


def write_atomically(path: Path, write: Callable[[Path], Any]) -> None:
    """Writes beside the path and renames, so that nothing half-written ever bears its name."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    write(temporary)
    os.replace(temporary, path)


def table(report: dict[str, Any]) -> str:
    """The records as a Markdown table."""
    facts = ", ".join(f"{key} {value}" for key, value in report["machine"].items())
    lines = [f"{report['date']}; {facts}; data: {report['data']}", ""]
    lines += ["| variant | ms per step | ms per model-step | images/s | peak MiB | checks |"]
    lines += ["|---|---|---|---|---|---|"]
    for name, record in report["records"].items():
        cells = [record["status"], record.get("error", "").split("\n")[0][:90], "", "", ""]
        if record["status"] == "ok" and name == "whole model":
            cells[0] = f"{record['seconds']:.1f} s ({record['way']})"
            cells[1] = f"test accuracy {record['test_accuracy']:.4f}"
            cells[1] += " on synthetic data" * record["synthetic_data"]
        elif record["status"] == "ok":
            cells = [f"{record[key]:.3f}" for key in ("ms_per_step", "ms_per_model_step")]
            passed = all(record["checks"][key] for key in ("finite", "loss_falls", "agrees"))
            cells += [f"{record['images_per_second']:,.0f}", str(record["peak_mib"] or "")]
            cells += ["passed" if passed else "FAILED"]
        lines.append(f"| {name} | {' | '.join(cells)} |")
    return "\n".join(lines)


def work(lab: Lab, only: str = "") -> None:
    """Measures what the time left allows; one group's failure never reaches the next."""
    records = lab.report["records"]
    for group in plan(lab.size):
        names = list(group.names().values()) if group else ["whole model"]
        waiting = [n for n in names if n not in records or records[n]["status"] == "skipped"]
        if not waiting or not any(only in name for name in names):
            continue
        left = lab.deadline - time.time()
        needed = SECONDS[group.compiled] if group else 20
        needed += 40 if group and "whole model" not in records else 0  # kept for the whole model
        if left < needed:
            for name in waiting:
                lab.put(name, {"status": "skipped", "error": f"{left:.0f} s left of {needed} s"})
            continue
        measure(lab, group) if group else whole_model(lab)
        try:
            lab.synchronise()
        except RuntimeError:  # a fault of the device stays with its process: go on in a new one
            again = ["--resume", "--minutes", f"{(lab.deadline - time.time()) / 60:.3f}"]
            os.execv(sys.executable, [sys.executable, *sys.argv, *again])


def main() -> None:
    raw = argparse.RawDescriptionHelpFormatter
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=raw)
    parser.add_argument("--out", type=Path, help="JSON file to write")
    parser.add_argument("--data", default="none", help="packed data, or none for synthetic images")
    parser.add_argument("--device", type=torch.device, default="cuda")
    parser.add_argument("--minutes", type=float, default=8.0, help="time for everything")
    parser.add_argument("--only", default="", help="only groups with this text in a name")
    parser.add_argument("--toy", action="store_true", help="tiny sizes, to test the program")
    parser.add_argument("--resume", action="store_true", help="keep the records that --out holds")
    parser.add_argument("--markdown", type=Path, metavar="JSON", help="print a table of this file")
    parser.add_argument("--pack", type=Path, metavar="FOLDER", help="pack CIFAR-10 of a folder")
    parser.add_argument("--to", type=Path, metavar="FILE", help="where --pack writes")
    args = parser.parse_args()
    try:
        if args.markdown:
            print(table(json.loads(args.markdown.read_text())))
        elif args.pack and args.to:
            pack(args.pack, args.to)
        elif not args.out:
            parser.error("one of --out, --markdown, or --pack with --to is needed")
        elif args.device.type == "cuda" and not torch.cuda.is_available():
            parser.error("no CUDA device is at hand; --device cpu --toy tests the program")
        else:
            torch.set_float32_matmul_precision("high")  # fp32 means TF32 on CUDA
            torch.backends.cudnn.benchmark = True
            work(Lab(args), args.only)
    except (OSError, ValueError, pickle.UnpicklingError) as error:
        parser.error(str(error))


if __name__ == "__main__":
    main()
