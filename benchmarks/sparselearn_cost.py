"""What SparseLearn costs and saves in use: scorer, gather and aggregator against the full bag.

    python benchmarks/sparselearn_cost.py [--tokens 4000 14000 100000] [--k 32]

In evaluation the soft top-k, the gate and the denoiser are gone; what is left is a scorer over all
N tokens, the choice of k, and the aggregator on k tokens. Measured as in dtc_cost.py. The scorer
is the default's MLP and, up to the tokens exact attention is allowed, the paper's transformer.
"""

from __future__ import annotations

from token_cost import against_full, make_parser, measure_model, print_table

TOKENS = [4_000, 14_000, 100_000]


def main() -> None:
    """Measure and print."""
    parser = make_parser(__doc__, TOKENS)
    parser.add_argument("--k", type=int, default=32)
    options = parser.parse_args()
    rows = []
    for n_tokens in options.tokens:
        for name in options.aggregators:
            full = measure_model({"name": "none"}, {"name": name}, n_tokens, options)
            rows.append({"aggregator": name, "scorer": "(full bag)", **full})
            for scorer in ("mlp", "transformer"):
                if scorer == "transformer" and n_tokens > min(options.exact_up_to, 14_000):
                    continue
                reducer = {"name": "sparselearn", "k": options.k, "scorer": scorer}
                row = measure_model(reducer, {"name": name}, n_tokens, options)
                rows.append({"aggregator": name, "scorer": scorer} | row | against_full(row, full))
    print_table(rows, options)


if __name__ == "__main__":
    main()
