"""DTC-WSI slide by slide and token by token, written from Algorithm 1 of the paper."""

from __future__ import annotations

import math

import numpy as np


def softmax(scores):
    weights = np.exp(scores - scores.max())
    return weights / weights.sum()


def sigmoid(value):
    return 1 / (1 + math.exp(-value))


def compress_as_written(
    features, score, targets, training, similarity_weight=0.5, steepness=10.0, threshold=0.0
):
    """Algorithm 1 to the letter, but for K⁽ᵗ⁾ pairs (the text) instead of N⁽ᵗ⁾ (the listing).

    Training merges as many pairs as inference does; that differs from the listing only where
    pairs run out and inference prunes what training keeps.

    Returns tokens (M, D) and for each the list of input tokens it was made of.
    """
    tokens = [np.asarray(token, dtype=np.float64) for token in features]
    members = [[i] for i in range(len(tokens))]
    planned = len(tokens)
    for target in targets:
        alpha = softmax(np.array([score(token) for token in tokens]))
        n_pairs = len(tokens) // 2
        utilities = []
        for k in range(n_pairs):
            i, j = 2 * k, 2 * k + 1
            norms = np.linalg.norm(tokens[i]) * np.linalg.norm(tokens[j])
            similarity = tokens[i] @ tokens[j] / norms
            difference = abs(alpha[i] - alpha[j])
            utility = similarity_weight * similarity - (1 - similarity_weight) * difference
            utilities.append((-utility, i, j))
        n_merges = min(planned // 2, planned - target)
        planned = target
        merged, merged_members, merged_alpha, assigned = [], [], [], set()
        for _, i, j in sorted(utilities)[:n_merges]:
            mean = (alpha[i] * tokens[i] + alpha[j] * tokens[j]) / (alpha[i] + alpha[j])
            merged.append(mean)
            merged_members.append(members[i] + members[j])
            merged_alpha.append((alpha[i] + alpha[j]) / 2)
            assigned |= {i, j}
        carried = [k for k in range(len(tokens)) if k not in assigned]
        tokens = merged + [tokens[k] for k in carried]
        members = merged_members + [members[k] for k in carried]
        alpha = np.array(merged_alpha + [alpha[k] for k in carried])
        if training:
            tokens = [
                sigmoid(steepness * (a - threshold)) * token
                for a, token in zip(alpha, tokens, strict=True)
            ]
        else:
            stay = sorted(np.argsort(-alpha, kind="stable")[:target])
            tokens = [tokens[k] for k in stay]
            members = [members[k] for k in stay]
    return np.stack(tokens), members


def compress_by_default(features, score, targets, training):
    """The preset "default" (docs/explanation/dtc-wsi.md, section 4) in the plainest words."""
    return _compress(features, score, targets, training=False, gate_of=np.ones_like)


def keep_in_training(features, score, targets, training):
    """The same without `train_hard_prune`: training keeps what inference prunes."""
    return _compress(features, score, targets, training, gate_of=np.ones_like)


def compress_with_gates(features, score, targets, training):
    """The same with `gate_input: relative`: unimportant tokens are held back."""

    def gate_of(scores):
        m = np.array([sigmoid(10 * (r - 0.5)) for r in len(scores) * softmax(scores)])
        return m / m.max()

    return _compress(features, score, targets, training, gate_of)


def _compress(features, score, targets, training, gate_of):
    tokens = [np.asarray(token, dtype=np.float64) for token in features]
    members = [[i] for i in range(len(tokens))]
    gates = [1.0] * len(tokens)
    planned = len(tokens)
    for target in targets:
        n = len(tokens)
        scores = np.array([score(token) for token in tokens])
        relative = n * softmax(scores)
        utilities = []
        for i in range(0, n - 1, 2):
            norms = np.linalg.norm(tokens[i]) * np.linalg.norm(tokens[i + 1])
            difference = min(abs(relative[i] - relative[i + 1]), 1)
            utilities.append((-(tokens[i] @ tokens[i + 1] / norms - difference) / 2, i))
        n_merges = min(planned // 2, math.floor((planned - target) / 2 + 0.5))
        merging = {i for _, i in sorted(utilities)[:n_merges]}
        after, after_members, after_gates = [], [], []
        i = 0
        while i < n:
            if i in merging:
                w = sigmoid(scores[i] - scores[i + 1])
                after.append(w * tokens[i] + (1 - w) * tokens[i + 1])
                after_members.append(members[i] + members[i + 1])
                after_gates.append(w * gates[i] + (1 - w) * gates[i + 1])
                i += 2
            else:
                after.append(tokens[i])
                after_members.append(members[i])
                after_gates.append(gates[i])
                i += 1
        tokens, members, gates = after, after_members, after_gates
        scores = np.array([score(token) for token in tokens])
        gates = list(np.array(gates) * gate_of(scores))
        if not training:
            stay = sorted(np.argsort(-scores, kind="stable")[:target])
            tokens = [tokens[k] for k in stay]
            members = [members[k] for k in stay]
            gates = [gates[k] for k in stay]
        planned = target
    return np.stack([g * t for g, t in zip(gates, tokens, strict=True)]), members
