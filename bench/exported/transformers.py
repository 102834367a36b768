"""ViT-B/16 and BERT base: twelve encoder layers of 768 channels and twelve heads."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

WIDTH = 768
HEADS = 12
LAYERS = 12
CLASSES = 1000
VOCABULARY = 30522
SEQUENCE = 128  # BERT's tokens
PATCH = 16  # edge of ViT's patches, in pixels


class Attention(nn.Module):
    """Every token looks at every other; `mask` is added to the scores."""

    def __init__(self) -> None:
        super().__init__()
        self.query = nn.Linear(WIDTH, WIDTH)
        self.key = nn.Linear(WIDTH, WIDTH)
        self.value = nn.Linear(WIDTH, WIDTH)
        self.output = nn.Linear(WIDTH, WIDTH)

    def forward(self, x: Tensor, mask: Tensor | None) -> Tensor:
        batch, tokens, _ = x.shape

        def heads(projected: Tensor) -> Tensor:
            return projected.view(batch, tokens, HEADS, WIDTH // HEADS).transpose(1, 2)

        scores = heads(self.query(x)) @ heads(self.key(x)).transpose(-1, -2) / math.sqrt(WIDTH // HEADS)
        if mask is not None:
            scores = scores + mask
        mixed = torch.softmax(scores, -1) @ heads(self.value(x))
        result: Tensor = self.output(mixed.transpose(1, 2).reshape(batch, tokens, WIDTH))
        return result


class Encoder(nn.Module):
    """One layer. ViT normalises what goes into a branch, BERT what comes out of the sum."""

    def __init__(self, normalise_first: bool) -> None:
        super().__init__()
        self.normalise_first = normalise_first
        self.attention = Attention()
        self.attention_norm = nn.LayerNorm(WIDTH, eps=1e-6)
        self.mlp = nn.Sequential(nn.Linear(WIDTH, 4 * WIDTH), nn.GELU(), nn.Linear(4 * WIDTH, WIDTH))
        self.mlp_norm = nn.LayerNorm(WIDTH, eps=1e-6)

    def forward(self, x: Tensor, mask: Tensor | None = None) -> Tensor:
        if self.normalise_first:
            x = x + self.attention(self.attention_norm(x), mask)
            x = x + self.mlp(self.mlp_norm(x))
        else:
            x = self.attention_norm(x + self.attention(x, mask))
            x = self.mlp_norm(x + self.mlp(x))
        return x


class VisionTransformer(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.patches = nn.Conv2d(3, WIDTH, PATCH, PATCH)
        self.class_token = nn.Parameter(torch.randn(1, 1, WIDTH) * 0.02)
        self.positions = nn.Parameter(torch.randn(1, 1 + (224 // PATCH) ** 2, WIDTH) * 0.02)
        self.layers = nn.ModuleList(Encoder(normalise_first=True) for _ in range(LAYERS))
        self.norm = nn.LayerNorm(WIDTH, eps=1e-6)
        self.head = nn.Linear(WIDTH, CLASSES)

    def forward(self, picture: Tensor) -> Tensor:
        patches = self.patches(picture).flatten(2).transpose(1, 2)
        x = torch.cat([self.class_token.expand(picture.shape[0], -1, -1), patches], 1) + self.positions
        for layer in self.layers:
            x = layer(x)
        result: Tensor = self.head(self.norm(x)[:, 0])
        return result


class Bert(nn.Module):
    """From token numbers and a mask (1: look at this token) to the last layer's states."""

    def __init__(self) -> None:
        super().__init__()
        self.words = nn.Embedding(VOCABULARY, WIDTH)
        self.positions = nn.Parameter(torch.randn(1, SEQUENCE, WIDTH) * 0.02)
        self.norm = nn.LayerNorm(WIDTH, eps=1e-12)
        self.layers = nn.ModuleList(Encoder(normalise_first=False) for _ in range(LAYERS))

    def forward(self, input_ids: Tensor, attention_mask: Tensor) -> Tensor:
        mask = (1.0 - attention_mask[:, None, None, :].to(self.words.weight.dtype)) * -10000.0
        x: Tensor = self.norm(self.words(input_ids) + self.positions)
        for layer in self.layers:
            x = layer(x, mask)
        return x


def sentences(batch: int, generator: torch.Generator) -> tuple[Tensor, ...]:
    """Random tokens; each sentence is padded at its end, at most a quarter."""
    ids = torch.randint(0, VOCABULARY, (batch, SEQUENCE), generator=generator)
    lengths = torch.randint(3 * SEQUENCE // 4, SEQUENCE + 1, (batch, 1), generator=generator)
    return ids, (torch.arange(SEQUENCE) < lengths).to(torch.int64)
