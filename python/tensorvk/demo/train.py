"""Trains the demo's network and writes the demo's assets: `python -m tensorvk.demo.train`.

Needs the packages torch, onnx and nilearn (the latter carries the brain template). The demo itself needs none of them:
the result of this script is in the package. Everything random is seeded, so that a second run on the same machine with
the same package versions and thread count gives the same file.
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from tensorvk.demo.lesions import HELD_OUT_SLICES, SIZE, Sample, Simulator, load_template, training_slices
from tensorvk.demo.unet import UNet

ASSETS = Path(__file__).parent / "assets"
OPSET = 13
MIN_LESION_PIXELS, MIN_LESION_CONTRAST = 150, 0.2  # of a picture that the demo shows; see is_visible


def loss_of(logits: Tensor, mask: Tensor) -> Tensor:
    """Cross-entropy, which is stable at the start, plus one minus the soft Dice of the batch, which is the aim."""
    probability = torch.sigmoid(logits)
    overlap = 2 * (probability * mask).sum() + 1
    return F.binary_cross_entropy_with_logits(logits, mask) + 1 - overlap / (probability.sum() + mask.sum() + 1)


def train(network: UNet, simulator: Simulator, steps: int, batch: int) -> None:
    slices = training_slices()
    optimizer = torch.optim.AdamW(network.parameters(), weight_decay=1e-4)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, max_lr=4e-3, total_steps=steps)
    network.train()
    started = time.monotonic()
    for step in range(1, steps + 1):
        sample = simulator.sample(simulator.choose(slices, batch))
        loss = loss_of(network.logits(sample.image.to(memory_format=torch.channels_last)), sample.mask)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        schedule.step()
        if step % 50 == 0 or step == steps:
            print(f"step {step}/{steps}  loss {loss.item():.4f}  {time.monotonic() - started:.0f} s", flush=True)


def dice_scores(network: UNet, sample: Sample) -> np.ndarray:
    """Dice of each image that has a lesion, at threshold 0.5."""
    with torch.no_grad():
        found = (network(sample.image) > 0.5).float()
    both = (found * sample.mask).sum((1, 2, 3))
    total = found.sum((1, 2, 3)) + sample.mask.sum((1, 2, 3))
    has_lesion = sample.mask.sum((1, 2, 3)) > 0
    scores: np.ndarray = (2 * both / total.clamp(min=1))[has_lesion].numpy()
    return scores


def validate(network: UNet, simulator: Simulator, rounds: int = 32) -> str:
    """Dice of `rounds` draws of lesions on each held-out slice, in words."""
    scores = np.concatenate([dice_scores(network, simulator.sample(list(HELD_OUT_SLICES))) for _ in range(rounds)])
    return f"mean Dice {scores.mean():.3f}, median {np.median(scores):.3f}, {len(scores)} images"


def is_visible(sample: Sample) -> bool:
    """Whether one picture's lesions are large enough to see and on average clearly brighter than the brain around."""
    middle, lesion = sample.image[0, 1], sample.mask[0, 0] > 0
    healthy = ~lesion & (middle > 0.1)
    contrast = middle[lesion].mean() - middle[healthy].mean()
    return bool(lesion.sum() >= MIN_LESION_PIXELS and contrast >= MIN_LESION_CONTRAST)


def draw_showcase(template: Tensor, seed: int, per_slice: int) -> Sample:
    """The demo's pictures: `per_slice` draws of bright lesions on each held-out slice, all visible to the eye."""
    simulator = Simulator(template, seed, dark_share=0)
    images, masks = [], []
    for _ in range(per_slice):
        for number in HELD_OUT_SLICES:
            sample = simulator.sample([number])
            while not is_visible(sample):
                sample = simulator.sample([number])
            images.append(sample.image)
            masks.append(sample.mask)
    return Sample(torch.cat(images), torch.cat(masks))


def export(network: UNet, path: Path) -> None:
    """Writes ONNX with a dynamic batch; the exporter folds batch normalisation into the convolutions."""
    torch.onnx.export(
        network.to(memory_format=torch.contiguous_format).eval(),
        (torch.zeros(1, 3, SIZE, SIZE),),
        str(path),
        input_names=["input"],
        output_names=["output"],
        dynamic_axes={"input": {0: "batch"}, "output": {0: "batch"}},
        opset_version=OPSET,
        dynamo=False,
    )


def main() -> None:
    parser = argparse.ArgumentParser(description="Train the demo's U-Net and write its ONNX file and slices.")
    parser.add_argument("--steps", type=int, default=1000, help="optimizer steps (default 1000: 10 minutes, 2 cores)")
    parser.add_argument("--batch", type=int, default=8)
    parser.add_argument("--seed", type=int, default=20)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--output", type=Path, default=ASSETS, help="folder for unet.onnx and slices.npz")
    options = parser.parse_args()

    torch.manual_seed(options.seed)
    torch.set_num_threads(options.threads)
    torch.use_deterministic_algorithms(True)
    template = load_template()
    network = UNet().to(memory_format=torch.channels_last)
    train(network, Simulator(template, options.seed + 1), options.steps, options.batch)

    network.eval()
    print("held-out slices, all lesions: " + validate(network, Simulator(template, options.seed + 2)))
    print("held-out slices, bright lesions: " + validate(network, Simulator(template, options.seed + 2, dark_share=0)))
    showcase = draw_showcase(template, options.seed + 3, per_slice=2)
    print("demo slices: Dice " + " ".join(f"{score:.3f}" for score in dice_scores(network, showcase)))

    options.output.mkdir(parents=True, exist_ok=True)
    export(network, options.output / "unet.onnx")
    np.savez_compressed(
        options.output / "slices.npz",
        image=(showcase.image * 255).round().to(torch.uint8).numpy(),
        mask=showcase.mask[:, 0].to(torch.uint8).numpy(),
        slice_number=np.array(list(HELD_OUT_SLICES) * 2, dtype=np.int32),
    )


if __name__ == "__main__":
    main()
