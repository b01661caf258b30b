"""steps.py at toy size on the CPU: CUDA graphs are emulated operation by operation.

The emulation records every operation of a step with its tensors; a replay runs them again and
writes each result into the tensor that held it, as a CUDA graph does at fixed addresses. What the
host knew during the recording stays frozen, so a step that needs the host at all goes wrong here.
"""

import argparse
import contextlib
import dataclasses
import importlib.util
import io
import json
import os
import pickle
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from torch import nn
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

PROGRAM = Path(__file__).with_name("steps.py")
spec = importlib.util.spec_from_file_location("gpu_steps", PROGRAM)
steps = importlib.util.module_from_spec(spec)
sys.modules["gpu_steps"] = steps
spec.loader.exec_module(steps)
torch.set_num_threads(1)  # many small steps: more threads only wait for each other


class EmulatedGraph(TorchDispatchMode):
    """Stands for torch.cuda.CUDAGraph and, as a context, for torch.cuda.graph."""

    def __init__(self):
        super().__init__()
        self.operations = []

    def __torch_dispatch__(self, operation, types, args=(), kwargs=None):
        kwargs = kwargs or {}
        result = operation(*args, **kwargs)
        self.operations.append((operation, args, kwargs, result))
        return result

    @torch.no_grad()
    def replay(self):
        for operation, args, kwargs, result in self.operations:
            again = operation(*args, **kwargs)
            for old, new in zip(tree_leaves(result), tree_leaves(again), strict=True):
                if isinstance(old, torch.Tensor) and old.data_ptr() != new.data_ptr():
                    old.copy_(new)


@pytest.fixture
def emulated(monkeypatch):
    monkeypatch.setattr(torch.cuda, "CUDAGraph", EmulatedGraph)
    monkeypatch.setattr(torch.cuda, "graph", lambda graph, stream: graph)


@pytest.fixture
def make_lab(tmp_path):
    def make(has_cuda=False, resume=False, minutes=60.0, data="none", **changes):
        device = torch.device("cpu")
        args = argparse.Namespace(
            toy=True, device=device, out=tmp_path / "o.json", minutes=minutes, data=data
        )
        args.resume = resume
        lab = steps.Lab(args)
        lab.size = dataclasses.replace(lab.size, **changes)
        lab.has_cuda = has_cuda
        return lab

    return make


def saved(lab):
    return json.loads(lab.out.read_text())["records"]


def conv_bn(inputs, outputs, kernel=3, stride=1, padding=1):
    convolution = nn.Conv2d(inputs, outputs, kernel, stride, padding, bias=False)
    return nn.Sequential(convolution, nn.BatchNorm2d(outputs), nn.ReLU())


class PlainResNet9(nn.Module):
    """The paper's network, written a second time and layer by layer."""

    def __init__(self, w):
        super().__init__()
        self.first = nn.Sequential(conv_bn(3, w), conv_bn(w, 2 * w, 5, 2, 2))
        self.residual_a = nn.Sequential(conv_bn(2 * w, 2 * w), conv_bn(2 * w, 2 * w))
        self.middle = nn.Sequential(conv_bn(2 * w, 4 * w), nn.MaxPool2d(2))
        self.residual_b = nn.Sequential(conv_bn(4 * w, 4 * w), conv_bn(4 * w, 4 * w))
        self.last = conv_bn(4 * w, 2 * w, padding=0)
        self.linear = nn.Linear(2 * w, 10, bias=False)

    def forward(self, x):
        x = self.first(x)
        x = x + self.residual_a(x)
        x = self.middle(x)
        x = x + self.residual_b(x)
        return 0.2 * self.linear(self.last(x).amax((2, 3)))


def plain_with_weights_of(state, w):
    plain = PlainResNet9(w)
    kept = [name for name in plain.state_dict() if "num_batches" not in name]
    assert len(kept) == len(state)
    plain.load_state_dict(dict(zip(kept, state.values(), strict=True)), strict=False)
    return plain


def test_network_is_the_paper_s():
    network = steps.ResNet9()
    assert sum(p.numel() for p in network.parameters()) == 2_274_880
    images = torch.randn(4, 3, 32, 32)
    plain = plain_with_weights_of(network.state_dict(), 64)
    for mode in (True, False):
        torch.testing.assert_close(network.train(mode)(images)[0], plain.train(mode)(images))


def test_stack_equals_its_models():
    models = [steps.ResNet9(4) for _ in range(3)]
    stack = steps.ResNet9(4, 3)
    states = [model.state_dict() for model in models]
    joined = {name: torch.cat([state[name] for state in states]) for name in states[0]}
    stack.load_state_dict(joined, strict=False)  # strict would ask for unused counters
    images = torch.randn(3, 5, 3, 32, 32)
    expected = torch.cat([m(x) for m, x in zip(models, images, strict=True)])
    torch.testing.assert_close(stack(torch.cat(list(images), 1)), expected)


@pytest.mark.parametrize("way", ["launched", "graph"])
def test_steps_equal_a_plain_loop(make_lab, emulated, way):
    lab = make_lab()
    trainer = steps.Trainer(lab, 16, "fp32", models=2)
    if way == "graph":
        trainer.capture()
    rates = [0.0, 0.01, 0.02, 0.005]
    trainer.start([3, 4], rates)
    start = trainer.net.state_dict()
    singles = [{n: v.chunk(2)[j].clone() for n, v in start.items()} for j in range(2)]
    orders = trainer.orders.clone()
    steps.run([trainer], way, 4)

    images = lab.parts["train_images"].float() / 255
    images = (images - torch.tensor(steps.MEAN)[:, None, None]) / torch.tensor(steps.STD)[
        :, None, None
    ]
    for j, single in enumerate(singles):
        plain = plain_with_weights_of(single, 2)
        optimizer = torch.optim.SGD(plain.parameters(), 1.0, momentum=0.9, weight_decay=5e-4)
        for t, rate in enumerate(rates):
            points = orders[t, j]
            loss = nn.functional.cross_entropy(
                plain(images[points]), lab.parts["train_labels"][points]
            )
            torch.testing.assert_close(trainer.history[t, j], loss.detach(), rtol=1e-4, atol=1e-4)
            optimizer.zero_grad()
            loss.backward()
            optimizer.param_groups[0]["lr"] = rate
            optimizer.step()
        expected = torch.cat([p.detach().flatten() for p in plain.parameters()])
        torch.testing.assert_close(trainer.weights()[j], expected, rtol=1e-3, atol=1e-4)


def test_orders_are_permutations_and_new_in_each_epoch(make_lab):
    trainer = steps.Trainer(make_lab(), 16, "fp32", models=2)
    first = trainer.orders.clone()
    trainer.shuffle()
    for orders in (first, trainer.orders):
        for j in range(2):
            assert sorted(orders[:, j].flatten().tolist()) == list(range(96))
    assert not torch.equal(first, trainer.orders)
    assert not torch.equal(first[:, 0], first[:, 1])


def test_a_step_never_asks_the_device_for_a_value(make_lab):
    trainer = steps.Trainer(make_lab(), 8, "bf16")
    trainer.step()
    with EmulatedGraph() as recorded:
        trainer.step()
    names = " ".join(str(operation) for operation, *_ in recorded.operations)
    assert "_fused_sgd_" in names
    assert "_local_scalar_dense" not in names and "nonzero" not in names


def test_graphs_streams_and_stacks_agree_with_eager(make_lab, emulated):
    lab = make_lab(has_cuda=True)
    for group in (steps.Group(8), *(steps.Group(8, "fp32", *k) for k in ((1, 2), (2,)))):
        steps.measure(lab, group)
    records = saved(lab)
    assert list(records) == [
        "launched, bf16, batch 8",
        "graph, bf16, batch 8",
        "graph, 2 streams, fp32, batch 8",
        "launched, stack of 2, fp32, batch 8",
        "graph, stack of 2, fp32, batch 8",
    ]
    for record in records.values():
        assert record["status"] == "ok", record
        assert record["checks"]["agrees"] and record["checks"]["finite"]
        assert record["ms_per_model_step"] * record["models"] == pytest.approx(
            record["ms_per_step"]
        )
        low, high = record["ms_range"]
        assert 0 < low <= record["ms_per_step"] <= high


@pytest.mark.parametrize("defect", ["rate", "batch", "momentum"])
def test_a_wrong_graph_is_seen(make_lab, emulated, monkeypatch, defect):
    plain_step = steps.Trainer.step

    def wrong_step(trainer):
        if isinstance(trainer.graph, EmulatedGraph):  # while it is captured, and so in replays
            if defect == "rate":
                trainer.rates = trainer.rates.clone()
            elif defect == "batch":
                trainer.orders = trainer.orders[:1].clone()
            else:
                for state in trainer.optimizer.state.values():
                    state["momentum_buffer"].zero_()
        plain_step(trainer)

    monkeypatch.setattr(steps.Trainer, "step", wrong_step)
    lab = make_lab(has_cuda=True)
    monkeypatch.setattr(steps, "time_block", lambda *_: (1.0, 1.0))
    steps.measure(lab, steps.Group(16, "fp32", streams=2))
    (record,) = saved(lab).values()
    assert record["status"] == "ok"
    assert not record["checks"]["agrees"]


def test_whole_model_learns_in_the_fastest_way(make_lab):
    lab = make_lab(width=4, epochs=5, peak_epoch=2, synthetic_points=(320, 200))
    lab.parts = steps.load_parts("none", lab.size, lab.device)
    common = {"batch": 16, "precision": "bf16", "models": 1, "status": "ok", "way": "launched"}
    lab.put("slow", {**common, "compiled": "default", "ms_per_step": 2.0})
    lab.put("fast", {**common, "compiled": None, "ms_per_step": 1.0})
    lab.put("stack", {**common, "models": 2, "compiled": "default", "ms_per_step": 0.5})
    steps.whole_model(lab)
    record = saved(lab)["whole model"]
    assert record["status"] == "ok" and record["compiled"] is None
    assert record["synthetic_data"] is True and record["seconds"] > 0
    assert len(record["loss_per_epoch"]) == 5
    assert record["loss_per_epoch"][-1] < 0.7 * record["loss_per_epoch"][0]
    assert record["test_accuracy"] > 0.5


def test_whole_model_follows_the_triangle(make_lab, monkeypatch):
    lab = make_lab(epochs=24, peak_epoch=5)
    lab.put("a", {"batch": 16, "precision": "bf16", "models": 1, "status": "ok", "way": "launched"})
    lab.report["records"]["a"] |= {"compiled": None, "ms_per_step": 1.0}
    seen = {}
    monkeypatch.setattr(steps, "run", lambda *_: None)
    monkeypatch.setattr(
        steps.Trainer, "start", lambda self, seeds, rates: seen.update(rates=rates, seeds=seeds)
    )
    monkeypatch.setattr(steps.Trainer, "shuffle", lambda self: None)
    steps.whole_model(lab)
    rates = seen["rates"]
    assert len(rates) == 24 * 6 and rates[0] == 0
    assert max(rates) == pytest.approx(0.4) and rates[5 * 6] == max(rates)
    assert rates[-1] == pytest.approx(0.4 / (19 * 6))


def test_failures_are_recorded_and_stop_nothing(make_lab, emulated, monkeypatch):
    def fail(trainer):
        raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 20 GiB")

    monkeypatch.setattr(steps.Trainer, "capture", fail)
    monkeypatch.setattr(
        steps, "plan", lambda _: [steps.Group(16), None, steps.Group(8, "fp32", stack=2)]
    )
    lab = make_lab(has_cuda=True)
    steps.work(lab)
    records = saved(lab)
    assert records["graph, bf16, batch 16"]["status"] == "error"
    assert "OutOfMemoryError: CUDA out of memory" in records["graph, bf16, batch 16"]["error"]
    for name in (
        "launched, bf16, batch 16",
        "whole model",
        "launched, stack of 2, fp32, batch 8",
    ):
        assert records[name]["status"] == "ok"
    assert records["whole model"]["way"] == "launched"


def test_work_goes_on_where_a_dead_process_stopped(make_lab, monkeypatch):
    lab = make_lab(has_cuda=True)
    lab.put("launched, bf16, batch 16", {"status": "ok", "ms_per_step": 1.0})
    lab.put("graph, bf16, batch 16", {"status": "running"})
    lab.put("launched, fp32, batch 16", {"status": "skipped"})
    seen = []
    monkeypatch.setattr(steps, "measure", lambda _, group: seen.append(group))
    monkeypatch.setattr(steps, "whole_model", lambda _: seen.append(None))
    again = make_lab(has_cuda=True, resume=True)
    steps.work(again)
    records = again.report["records"]
    assert records["graph, bf16, batch 16"]["status"] == "error"
    assert "process ended" in records["graph, bf16, batch 16"]["error"]
    assert steps.Group(16) not in seen and steps.Group(16, "fp32") in seen and None in seen


def test_a_fault_of_the_device_moves_to_a_new_process(make_lab, monkeypatch):
    class Moved(Exception): ...

    def broken():
        raise RuntimeError("CUDA error: an illegal memory access was encountered")

    def execv(program, arguments):
        seen.extend(arguments)
        raise Moved

    seen = []
    lab = make_lab(minutes=30)
    lab.synchronise = broken
    monkeypatch.setattr(steps, "measure", lambda *_: None)
    monkeypatch.setattr(steps.os, "execv", execv)
    with pytest.raises(Moved):
        steps.work(lab)
    assert "--resume" in seen and 29 < float(seen[seen.index("--minutes") + 1]) <= 30


def test_what_does_not_fit_the_time_is_skipped(make_lab):
    lab = make_lab(minutes=0.2)
    steps.work(lab)
    records = saved(lab)
    assert "whole model" in records and len(records) > 20
    assert {record["status"] for record in records.values()} == {"skipped"}


def test_time_is_kept_for_the_whole_model(make_lab, monkeypatch):
    seen = []
    monkeypatch.setattr(steps, "measure", lambda _, group: seen.append(group))
    monkeypatch.setattr(steps, "whole_model", lambda lab: seen.append(None))
    steps.work(make_lab(minutes=0.8))  # 48 s: 20 for a group, but 40 are kept
    assert seen == [None]


def test_results_are_valid_json_and_never_half_written(make_lab):
    lab = make_lab()
    lab.put("a", {"loss": float("nan"), "gap": float("inf")})
    assert saved(lab)["a"] == {"loss": "NaN", "gap": "Infinity"}
    with pytest.raises(OSError), contextlib.ExitStack():
        steps.write_atomically(lab.out, lambda file: (_ for _ in ()).throw(OSError("disk full")))
    assert saved(lab)["a"]["gap"] == "Infinity"


def write_official_batches(folder, points=3):
    """The format of the official files, as Python 2 and as this NumPy pickle them."""
    folder.mkdir()
    chance = np.random.default_rng(0)
    batches = {}
    for name in [f"data_batch_{i}" for i in range(1, 6)] + ["test_batch"]:
        data = chance.integers(0, 256, (points, 3072), dtype=np.uint8)
        labels = chance.integers(0, 10, points).tolist()
        batch = {b"batch_label": name.encode(), b"data": data, b"labels": labels}
        (folder / name).write_bytes(pickle.dumps(batch, protocol=2))
        batches[name] = batch
    return batches


def test_pack_reads_the_official_batches(tmp_path, make_lab):
    batches = write_official_batches(tmp_path / "batches")
    steps.pack(tmp_path / "batches", tmp_path / "cifar10.pt")
    parts = torch.load(tmp_path / "cifar10.pt", weights_only=True)
    train = [batches[f"data_batch_{i}"] for i in range(1, 6)]
    expected = np.concatenate([batch[b"data"] for batch in train]).reshape(15, 3, 32, 32)
    assert np.array_equal(parts["train_images"].numpy(), expected)
    assert parts["train_labels"].tolist() == [n for batch in train for n in batch[b"labels"]]
    assert parts["test_images"].shape == (3, 3, 32, 32)
    lab = make_lab(data=str(tmp_path / "cifar10.pt"))
    assert lab.report["data"].endswith("cifar10.pt") and not lab.synthetic
    images = steps.normalised(parts["train_images"], "fp32")
    pixel = (expected[2, 1, 5, 7] / 255 - steps.MEAN[1]) / steps.STD[1]
    assert images[2, 5, 7, 1].item() == pytest.approx(pixel, abs=1e-5)


def test_pack_reads_packed_jpegs_in_the_official_order(tmp_path):
    for side, order in (("train", [2, 0, 1]), ("test", [1, 0])):
        files = []
        for place in order:
            stream = io.BytesIO()
            grey = np.full((32, 32, 3), 40 * place, np.uint8)
            Image.fromarray(grey).save(stream, format="JPEG")
            files.append(stream.getvalue())
        np.savez(
            tmp_path / f"cifar10_{side}.npz",
            data=np.frombuffer(b"".join(files), np.uint8),
            offsets=np.cumsum([0, *map(len, files)]),
            labels=np.array(order, np.uint8) + 5,
            orig_index=np.array(order, np.int32),
        )
    steps.pack(tmp_path, tmp_path / "cifar10.pt")
    parts = torch.load(tmp_path / "cifar10.pt", weights_only=True)
    for side, count in (("train", 3), ("test", 2)):
        assert parts[f"{side}_labels"].tolist() == [5 + n for n in range(count)]
        means = parts[f"{side}_images"].double().mean((1, 2, 3))
        assert means.tolist() == pytest.approx([40.0 * n for n in range(count)], abs=2)
        assert parts[f"{side}_images"].shape == (count, 3, 32, 32)


def test_pack_reads_a_python_2_pickle(tmp_path):
    """Bytes written by hand as Python 2 pickled an array: (module, reconstruct, state)."""
    image = bytes(range(256)) * 12
    head = b"\x80\x02}q\x01(U\x04dataq\x02cnumpy.core.multiarray\n_reconstruct\ncnumpy\nndarray\n"
    head += b"K\x00\x85U\x01b\x87R(K\x01K\x01M\x00\x0c\x86cnumpy\ndtype\nU\x02u1K\x00K\x01\x87R"
    head += b"(K\x03U\x01|NNNJ\xff\xff\xff\xffJ\xff\xff\xff\xffK\x00tb\x89T\x00\x0c\x00\x00"
    batch = head + image + b"tbU\x06labels]K\x07au."
    assert pickle.loads(batch, encoding="bytes")[b"data"].tobytes() == image
    for name in [f"data_batch_{i}" for i in range(1, 6)] + ["test_batch"]:
        (tmp_path / name).write_bytes(batch)
    steps.pack(tmp_path, tmp_path / "cifar10.pt")
    parts = torch.load(tmp_path / "cifar10.pt", weights_only=True)
    assert bytes(parts["test_images"].flatten().tolist()) == image
    assert parts["train_labels"].tolist() == [7] * 5


def test_pack_refuses_other_pickles(tmp_path):
    write_official_batches(tmp_path / "batches")
    (tmp_path / "batches" / "data_batch_3").write_bytes(pickle.dumps({b"data": print}))
    with pytest.raises(pickle.UnpicklingError, match="print"):
        steps.pack(tmp_path / "batches", tmp_path / "cifar10.pt")
    short = {b"data": np.zeros((2, 3071), np.uint8), b"labels": [0, 1]}
    (tmp_path / "batches" / "data_batch_3").write_bytes(pickle.dumps(short, protocol=2))
    with pytest.raises(ValueError, match="train batches do not hold 3072 bytes"):
        steps.pack(tmp_path / "batches", tmp_path / "cifar10.pt")
    assert not (tmp_path / "cifar10.pt").exists()


def test_data_of_another_shape_is_refused(tmp_path, make_lab):
    parts = {"train_images": torch.zeros(2, 32, 32, 3, dtype=torch.uint8)}
    parts["train_labels"] = torch.zeros(2)
    torch.save(parts, tmp_path / "other.pt")
    with pytest.raises(ValueError, match=r"train_images must be uint8 \(points, 3, 32, 32\)"):
        make_lab(data=str(tmp_path / "other.pt"))


def test_one_call_on_the_cpu(tmp_path, monkeypatch, capsys):
    out = tmp_path / "steps.json"
    options = ["--device", "cpu", "--toy", "--out", str(out), "--only", "fp32, batch 8"]
    one_thread = {**os.environ, "OMP_NUM_THREADS": "1"}
    command = [sys.executable, PROGRAM, *options]
    done = subprocess.run(command, capture_output=True, text=True, env=one_thread)
    assert done.returncode == 0, done.stderr
    report = json.loads(out.read_text())
    assert report["machine"]["torch"] == torch.__version__
    assert report["data"].startswith("synthetic") and "--toy" in report["command"]
    assert report["records"]["launched, fp32, batch 8"]["status"] == "ok"
    assert report["records"]["graph, fp32, batch 8"]["status"] == "needs cuda"
    assert [path.name for path in tmp_path.iterdir()] == ["steps.json"]
    monkeypatch.setattr(sys, "argv", ["steps.py", "--markdown", str(out)])
    steps.main()
    table = capsys.readouterr().out
    assert "| graph, fp32, batch 8 | needs cuda |" in table
    assert "| launched, fp32, batch 8 | " in table and torch.__version__ in table


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--toy"], "--pack with --to is needed"),
        (["--out", "steps.json", "--device", "cuda"], "no CUDA device is at hand"),
        (["--out", "steps.json", "--device", "cpu", "--data", "missing.pt"], "missing.pt"),
        (["--pack", "missing", "--to", "cifar10.pt"], "missing/data_batch_1"),
    ],
)
def test_calls_that_cannot_be_served(monkeypatch, capsys, options, message):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.setattr(sys, "argv", ["steps.py", *options])
    with pytest.raises(SystemExit) as stop:
        steps.main()
    assert stop.value.code == 2 and message in capsys.readouterr().err
