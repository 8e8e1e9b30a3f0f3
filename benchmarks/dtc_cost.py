"""What DTC-WSI costs and saves, part by part, beside the paper's Tables 2 and 3.

    python benchmarks/dtc_cost.py                            everything (about twenty minutes)
    python benchmarks/dtc_cost.py --tokens 1000 13900        under a minute on two quiet cores
    python benchmarks/dtc_cost.py --encoders                 the encoders too

Every row is a model in evaluation on one bag. FLOPs are counted, memory is what is alive at the
worst moment (bag and weights included), times are medians of three passes (one above 20,000
tokens). On a busy machine CPU time, of all threads together, is the fairer clock; with
`--threads 1` it is close to what an idle core takes. Ratios are to the same aggregator on all
tokens, with no reducer. The columns that begin with "paper" are the paper's own ratios at this r,
for its "full pipeline" with ABMIL on a V100.
"""

from __future__ import annotations

import time

import numpy as np
import torch
from colour_texture import paint_tiles
from token_cost import (
    DIM,
    against_full,
    columns_of,
    make_parser,
    measure_model,
    print_table,
)
from torch import nn

from slidesieve.encoders.colour_texture.encoder import ColourTexture
from slidesieve.encoders.torchvision_compat import import_torchvision
from slidesieve.inference.cost import measure_long_pass, measure_pass, random_bag
from slidesieve.tokens import TokenBatch

RATIOS = (1.0, 0.7, 0.5, 0.4)
TOKENS = [1_000, 5_000, 13_900, 50_000, 100_000]
# Table 2 of the paper: GFLOPs; GB and ms of the "full pipeline".
PAPER = {1.0: (118.4, 14.2, 2150), 0.7: (62.7, 10.3, 1190), 0.5: (38.4, 8.1, 720)}
PAPER |= {0.4: (24.3, 6.4, 410)}
TILES, TILE_PX = 2, 448


class Encoder(nn.Module):
    """A ViT-B/16 for 448 px, as CONCH's; its weights are random, which costs the same."""

    def __init__(self) -> None:
        super().__init__()
        import_torchvision()
        import timm

        self.vit = timm.create_model("vit_base_patch16_224", img_size=TILE_PX, num_classes=0)

    def forward(self, bag: TokenBatch) -> torch.Tensor:
        """Encode a bag whose features are the tiles' pixels."""
        return self.vit(bag.features[0].unflatten(-1, (3, TILE_PX, TILE_PX)))


class TorchTransformer(nn.Module):
    """Exact attention as torch's own encoder does it, of the sizes of our `transformer`."""

    def __init__(self, depth: int) -> None:
        super().__init__()
        self.embed = nn.Sequential(nn.Linear(DIM, DIM), nn.ReLU())
        self.class_token = nn.Parameter(torch.zeros(1, 1, DIM))
        layer = nn.TransformerEncoderLayer(
            DIM, 8, DIM, activation="gelu", batch_first=True, norm_first=True
        )
        self.encoder = nn.TransformerEncoder(layer, depth, enable_nested_tensor=False)
        self.classifier = nn.Sequential(nn.LayerNorm(DIM), nn.Linear(DIM, 2))

    def forward(self, bag: TokenBatch) -> torch.Tensor:
        """Return the logits of a bag."""
        states = self.embed(bag.features.float())
        states = self.encoder(torch.cat([self.class_token, states], dim=1))
        return self.classifier(states[:, 0])


def print_torch_transformer(options: object) -> None:
    """Measure torch's encoder on all tokens, for who takes that for the uncompressed model."""
    for n_tokens in options.tokens:
        bag = random_bag(n_tokens, DIM)
        bag = bag.with_features(bag.features.half())
        cost = measure_long_pass(TorchTransformer(options.depth).eval(), bag, options.threads)
        costs = ", ".join(f"{v:.4g} {name}" for name, v in columns_of("", cost).items())
        print(f"torch's encoder, exact attention, all {n_tokens:,} tokens: {costs}")


def measure_dtc(n_tokens: int, aggregator: dict[str, object], options: object) -> list[dict]:
    """Measure one aggregator at every ratio, the full bag first."""
    rows = []
    for ratio in (1.0, *options.ratios):
        reducer = {"name": "none"} if ratio == 1 else {"name": "dtc", "retention": ratio}
        row = {"aggregator": aggregator["name"], "r": ratio}
        row |= measure_model(reducer, aggregator, n_tokens, options)
        rows.append(row if ratio == 1 else row | against_full(row, rows[0]) | paper_ratios(ratio))
    return rows


def paper_ratios(ratio: float) -> dict[str, float]:
    """Return the paper's ratios at r, as far as it gives them."""
    if ratio not in PAPER:
        return {}
    (gflops, memory, ms), (all_gflops, all_memory, all_ms) = PAPER[ratio], PAPER[1.0]
    return {
        "paper GFLOP ÷": all_gflops / gflops,
        "paper MB less %": 100 * (1 - memory / all_memory),
        "paper ms ÷": all_ms / ms,
    }


@torch.no_grad()
def print_encoders(options: object) -> None:
    """Measure encoders on a few tiles and scale them, linearly, to the tiles of the bags."""
    pixels = torch.rand(1, TILES, 3 * TILE_PX**2)
    one = torch.ones(1, TILES)
    tiles = TokenBatch(pixels, one.bool(), torch.zeros(1, TILES, 2, dtype=torch.int64), one)
    cost = columns_of("ViT-B/16", measure_pass(Encoder().eval(), tiles, options.threads, 2, 1))
    print(f"encoders on the CPU, whatever r; ViT-B/16 at {TILE_PX} px, a batch of {TILES} tiles:")
    print("  " + ", ".join(f"{name} {value:.4g}" for name, value in cost.items()))
    seconds = {"ViT-B/16": cost["ViT-B/16 ms"] / TILES / 1e3, "colour_texture": colour_texture_s()}
    for name, each in seconds.items():
        scaled = ", ".join(f"{n:,} tiles {n * each:,.0f} s" for n in options.tokens)
        print(f"  {name}: {each * 1e3:.4g} ms a tile; scaled linearly: {scaled}")
    print(f"  ViT-B/16: {cost['ViT-B/16 GFLOP'] / TILES:.4g} GFLOP a tile")


def colour_texture_s() -> float:
    """Return the seconds `colour_texture` takes for a tile of 256 px, the best of five batches."""
    tiles, encoder = paint_tiles(256), ColourTexture()
    times = []
    for _ in range(5):
        start = time.perf_counter()
        encoder.encode(tiles)
        times.append(time.perf_counter() - start)
    return float(np.min(times)) / len(tiles)


def main() -> None:
    """Measure and print."""
    parser = make_parser(__doc__, TOKENS)
    parser.add_argument("--ratios", type=float, nargs="+", default=RATIOS[1:], metavar="r")
    parser.add_argument("--depth", type=int, default=2, help="blocks of the transformer")
    parser.add_argument("--encoders", action="store_true", help="measure the encoders too")
    parser.add_argument(
        "--torch-encoder", action="store_true", help="measure torch's own exact transformer too"
    )
    options = parser.parse_args()
    rows = []
    for n_tokens in options.tokens:
        for name in options.aggregators:
            extra = {"depth": options.depth} if name == "transformer" else {}
            rows += measure_dtc(n_tokens, {"name": name, **extra}, options)
    print_table(rows, options)
    print("paper (Table 3, ms a slide): ABMIL 1860, TransMIL 2740, DTC-WSI at r = 0.4 410")
    if options.torch_encoder:
        print_torch_transformer(options)
    if options.encoders:
        print_encoders(options)


if __name__ == "__main__":
    main()
