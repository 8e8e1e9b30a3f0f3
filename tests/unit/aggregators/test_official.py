"""The baselines against their authors' modules, where checkouts of these are at hand.

SLIDESIEVE_OFFICIAL names a folder that holds them by name (CLAM, dsmil-wsi, HIPT, PANTHER,
vision-longformer, 2DMamba, fastglioma, DTFD-MIL, ACMIL, RRT-MIL, nnMIL, MHIM-MIL of branch v1,
MHIM-MIL-v2); nothing of theirs is part of SlideSieve. Without it these tests are skipped; each
method has a test against its formulas that always runs.
"""

from __future__ import annotations

import importlib
import importlib.util
import os
import sys
from pathlib import Path
from types import ModuleType, SimpleNamespace

import numpy as np
import pytest
import torch

from helpers.bag_factory import placed_bag
from slidesieve.aggregators.registry import build_aggregator
from slidesieve.aggregators.spt import supervised_contrast
from slidesieve.bags import Bag, collate
from slidesieve.encoders.torchvision_compat import import_torchvision
from slidesieve.nn.grid import to_grid
from slidesieve.nn.windows import Windows, window_attention

# Names that several checkouts have.
_THEIR_PACKAGES = ("models", "utils", "layers", "modules", "architecture", "Model")
FIELD = [(c, r) for r in range(16) for c in range(32)]


@pytest.fixture
def official(monkeypatch):
    """Return a function that imports a module of a checkout, by its path there."""
    root = os.environ.get("SLIDESIEVE_OFFICIAL")
    if root is None:
        pytest.skip("SLIDESIEVE_OFFICIAL names no folder of the authors' checkouts")
    import_torchvision()  # some of theirs import it

    def load(path: str, *search: str, package: str = "", bare: str = "") -> ModuleType:
        file = Path(root) / path
        if not file.exists():
            pytest.skip(f"SLIDESIEVE_OFFICIAL holds no {path}")
        for folder in search:
            monkeypatch.syspath_prepend(str(Path(root) / folder))
        for name in [*sys.modules]:
            if name.split(".")[0] in _THEIR_PACKAGES:
                monkeypatch.delitem(sys.modules, name)
        if bare:  # its __init__ imports all of their models; only these files are wanted
            folder = ModuleType(Path(bare).name)
            folder.__path__ = [str(Path(root) / bare)]
            monkeypatch.setitem(sys.modules, folder.__name__, folder)
        if package:
            return importlib.import_module(package)
        spec = importlib.util.spec_from_file_location(file.stem, file)
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        return module

    return load


def bag_of(n_tokens: int, dim: int, seed: int = 0, cells=None) -> Bag:
    return placed_bag(cells if cells is not None else FIELD[:n_tokens], seed, dim)


def copy(pairs) -> None:
    """Copy weights (and biases) of our layers from the authors', in pairs of modules."""
    with torch.no_grad():
        for ours, theirs in pairs:
            for mine, source in zip(ours.parameters(), theirs.parameters(), strict=True):
                mine.copy_(source)


def copy_block(ours, theirs) -> None:
    """Copy a block of timm's shape (norm1, attn.qkv, attn.proj, norm2, mlp.fc1, mlp.fc2)."""
    layers = (theirs.norm1, theirs.attn.proj, theirs.norm2, theirs.mlp.fc1, theirs.mlp.fc2)
    mine = (ours.norm, ours.project[0], ours.mlp[0], ours.mlp[1], ours.mlp[4])
    copy(zip(mine, layers, strict=True))
    with torch.no_grad():
        query, *key_value = theirs.attn.qkv.weight.chunk(3)
        ours.query.weight.copy_(query)
        ours.key_value.weight.copy_(torch.cat(key_value))
        if theirs.attn.qkv.bias is not None:
            query, *key_value = theirs.attn.qkv.bias.chunk(3)
            ours.query.bias.copy_(query)
            ours.key_value.bias.copy_(torch.cat(key_value))


def report(name: str, found, expected) -> None:
    """Compare, and print the greatest difference for the evidence page (pytest -s)."""
    difference = float((found.detach().double() - expected.detach().double()).abs().max())
    print(f"{name}: greatest difference {difference:.1e}")
    torch.testing.assert_close(found.float(), expected.float(), atol=1e-5, rtol=1e-4)


@pytest.mark.parametrize("branches", [True, False])
@pytest.mark.parametrize("subtyping", [True, False])
def test_clam(official, branches, subtyping):
    module = official("CLAM/models/model_clam.py")
    torch.manual_seed(0)
    kind = module.CLAM_MB if branches else module.CLAM_SB
    theirs = kind(n_classes=3, subtyping=subtyping, embed_dim=24).eval()
    spec = {"name": "clam", "branches": branches, "subtyping": subtyping}
    ours = build_aggregator(spec, 24, 3).eval()
    attention = theirs.attention_net[-1]
    pairs = [(ours.embed[0], theirs.attention_net[0]), (ours.content[0], attention.attention_a[0])]
    pairs += [(ours.gate[0], attention.attention_b[0]), (ours.score, attention.attention_c)]
    copy(pairs if branches else [*pairs, (ours.classifier, theirs.classifiers)])
    with torch.no_grad():
        for c, head in enumerate(theirs.instance_classifiers):
            ours.evidence.weight[2 * c : 2 * c + 2] = head.weight
            ours.evidence.bias[2 * c : 2 * c + 2] = head.bias
        for c, head in enumerate(theirs.classifiers if branches else ()):
            ours.classifier.weight[c], ours.classifier.bias[c] = head.weight[0], head.bias[0]
    bags = [bag_of(n, 24, seed) for seed, n in enumerate((50, 9, 16))]
    labels = torch.tensor([0, 1, 2])
    output, losses = ours(collate(bags), labels), []
    for i, bag in enumerate(bags):
        x, label = torch.from_numpy(bag.features), labels[i : i + 1]
        logits, _, _, _, results = theirs(x, label=label, instance_eval=True)
        report(f"CLAM branches={branches}", output.logits[i], logits[0])
        losses.append(results["instance_loss"])
    report("CLAM loss", output.losses["instance"], 3 / 7 * torch.stack(losses).mean())


def test_dsmil(official):
    module = official("dsmil-wsi/dsmil.py")
    torch.manual_seed(0)
    theirs = module.MILNet(module.FCLayer(24, 3), module.BClassifier(24, 3)).eval()
    ours = build_aggregator("dsmil", 24, 3).eval()
    pairs = [(ours.instance, theirs.i_classifier.fc[0]), (ours.query, theirs.b_classifier.q)]
    copy(pairs)
    with torch.no_grad():
        ours.classifier.weight.copy_(theirs.b_classifier.fcc.weight.flatten(1))
        ours.classifier.bias.copy_(theirs.b_classifier.fcc.bias)
    bags = [bag_of(n, 24, seed) for seed, n in enumerate((50, 9, 1))]
    output = ours(collate(bags))
    for i, bag in enumerate(bags):
        _, logits, attention, _ = theirs(torch.from_numpy(bag.features))
        report("DSMIL logits", output.logits[i], logits[0])
        shown = attention[:, logits[0].argmax()]
        report("DSMIL attention", output.attention[i, : len(shown)], shown)


def test_hipt(official, monkeypatch):
    folder = "HIPT/2-Weakly-Supervised-Subtyping"
    name = "models.model_hierarchical_mil"
    path = f"{folder}/models/model_hierarchical_mil.py"
    module = official(path, folder, "HIPT/HIPT_4K", package=name)
    torch.manual_seed(0)
    theirs = module.HIPT_LGP_FC(n_classes=3).eval()
    ours = build_aggregator("hipt", 384, 3).eval()
    local = theirs.local_vit
    copy([(ours.embed[0], local.phi[0]), (ours.local.norm, local.norm)])
    for mine, block in zip(ours.local.blocks, local.blocks, strict=True):
        copy_block(mine, block)
    copy([(ours.region[0], theirs.global_phi[0]), (ours.last[0], theirs.global_rho[0])])
    copy([(ours.over_regions, theirs.global_transformer), (ours.classifier, theirs.classifier)])
    pool = theirs.global_attn_pool
    copy([(ours.content[0], pool.attention_a[0]), (ours.gate[0], pool.attention_b[0])])
    with torch.no_grad():
        ours.score.weight.copy_(pool.attention_c.weight)
        ours.local.class_token.copy_(local.cls_token[0, 0])
        places = local.interpolate_pos_encoding(torch.zeros(1, 257, 192), 16, 16)
        ours.local.positions.copy_(places[0])
        bag = bag_of(512, 384)
        # Regions as the authors have them: 256 tiles each, row by row.
        left = (bag.coords[:, 0] // 256 < 16).nonzero()[0]
        right = (bag.coords[:, 0] // 256 >= 16).nonzero()[0]
        regions = torch.from_numpy(np.stack([bag.features[left], bag.features[right]]))
        logits = theirs(regions)[0]
        report("HIPT", ours(collate([bag])).logits, logits)


def test_hipt_pools(official):
    folder = "HIPT/2-Weakly-Supervised-Subtyping"
    name = "models.model_hierarchical_mil"
    path = f"{folder}/models/model_hierarchical_mil.py"
    module = official(path, folder, "HIPT/HIPT_4K", package=name)
    torch.manual_seed(0)
    theirs = module.HIPT_None_FC(path_input_dim=24, n_classes=3).eval()
    ours = build_aggregator("hipt_pools", 24, 3).eval()
    pairs = [(ours.embed[0], theirs.local_phi[0]), (ours.region[0], theirs.global_phi[0])]
    pairs += [(ours.last[0], theirs.global_rho[0]), (ours.classifier, theirs.classifier)]
    for mine, pool in (
        (ours.scores, theirs.local_attn_pool),
        (ours.region_scores, theirs.global_attn_pool),
    ):
        pairs += [(mine.content, pool.attention_a[0]), (mine.gate, pool.attention_b[0])]
        pairs += [(mine.score, pool.attention_c)]
    copy(pairs)
    with torch.no_grad():
        bag = bag_of(512, 24)
        is_left = bag.coords[:, 0] // 256 < 16
        regions = torch.from_numpy(np.stack([bag.features[is_left], bag.features[~is_left]]))
        report("HIPT without transformers", ours(collate([bag])).logits, theirs(regions)[0])


@pytest.mark.parametrize("steps", [1, 3])
def test_panther(official, steps):
    path = "PANTHER/src/mil_models/PANTHER/networks.py"
    module = official(path, "PANTHER/src")
    torch.manual_seed(0)
    theirs = module.DirNIWNet(4, 24, eps=1.0, load_proto=False)
    ours = build_aggregator({"name": "panther", "prototypes": 4, "iterations": steps}, 24, 3)
    with torch.no_grad():
        theirs.m.mul_(10)
        ours.prototypes.copy_(theirs.m)
        for n_tokens in (40, 7, 1):
            batch = collate([bag_of(n_tokens, 24, n_tokens)])
            expected = theirs.map_em(batch.features, num_iters=steps, tau=1.0)
            share, *found = ours.mixture(batch)
            for what, mine, other in zip(("pi", "mu", "Sigma"), found, expected, strict=False):
                report(f"PANTHER {what}", mine, other)
            report("PANTHER q", share, expected[3])


@pytest.mark.parametrize(("rows", "columns"), [(14, 14), (10, 17), (5, 3), (1, 1)])
def test_longformer(official, rows, columns):
    package = "models.layers.longformer2d"
    path = "vision-longformer/src/models/layers/longformer2d.py"
    pytest.importorskip("einops")
    module = official(path, "vision-longformer/src", package=package)
    torch.manual_seed(0)
    theirs = module.Long2DSCSelfAttention(24, num_heads=3, qkv_bias=True, w=7, autograd=True)
    cells = [(c, r) for r in range(rows) for c in range(columns)]
    batch = collate([bag_of(len(cells), 24, cells=cells)])
    with torch.no_grad():
        own = torch.randn(1, 1, 24)
        states = torch.cat([own, batch.features], dim=1)
        expected = theirs(states, rows, columns)[0]

        def heads(values):
            return values.unflatten(-1, (3, -1))

        x = batch.features[0]
        key_value = [heads(part) for part in theirs.kv(x).chunk(2, dim=-1)]
        of_global = [heads(part) for part in theirs.kv(own[0]).chunk(2, dim=-1)]
        windows = Windows.of(to_grid(batch), 7, 1)
        found = window_attention(
            heads(theirs.query(x)), tuple(key_value), tuple(of_global), windows
        )
        report("Longformer", theirs.proj(found.flatten(1)), expected[1:])


def test_mamba_along_one_row(official):
    path = "2DMamba/2DMambaMIL/models/mamba_simple.py"
    module = official(path, "2DMamba/2DMambaMIL", package="models.mamba_simple")
    config = module.MambaConfig(d_model=24, n_layers=1, mamba_2d=False, pscan=False)
    torch.manual_seed(0)
    theirs = module.MambaBlock(config)
    ours = build_aggregator({"name": "mamba2d", "hidden_dim": 24}, 8, 3).mamba
    pairs = [(ours.enter, theirs.in_proj), (ours.convolution, theirs.conv1d)]
    pairs += [(ours.select, theirs.x_proj), (ours.step, theirs.dt_proj)]
    copy([*pairs, (ours.leave, theirs.out_proj)])
    with torch.no_grad():
        ours.log_decay.copy_(theirs.A_log)
        ours.skip.copy_(theirs.D)
        states = torch.randn(1, 40, 24)
        report("2DMamba, one row", ours(states[0], 1, 40), theirs(states)[0])


def test_spt(official):
    path = "fastglioma/fastglioma/models/mil.py"
    # Their package imports all of its models; only these two files are wanted.
    vit = official("fastglioma/fastglioma/models/vit.py")
    sys.modules["fastglioma"] = ModuleType("fastglioma")
    sys.modules["fastglioma.models"] = SimpleNamespace(vit=vit)
    sys.modules["fastglioma.models.vit"] = vit
    module = official(path)
    torch.manual_seed(0)
    theirs = module.TransformerMIL(
        embed_dim=24, depth=2, num_heads=4, pos_emb_type="FFPEG", prefix_len=8
    ).eval()
    ours = build_aggregator({"name": "spt", "hidden_dim": 24}, 24, 3).eval()
    for mine, block in zip(ours.blocks, theirs.blocks, strict=True):
        copy_block(mine, block)
    copy([(ours.norm, theirs.norm), (ours.position.layers, theirs.pos_embed._mlp)])
    with torch.no_grad():
        torch.nn.init.normal_(theirs.cls_token)
        torch.nn.init.normal_(theirs.pos_embed.cls_pos_emb)
        ours.position.frequencies.copy_(theirs.pos_embed._ff_embed.weight)
        ours.prefixes.copy_(theirs.cls_token[0])
        ours.prefix_positions.copy_(theirs.pos_embed.cls_pos_emb[0])
        bags = [bag_of(n, 24, seed) for seed, n in enumerate((30, 5, 1))]
        output = ours(collate(bags))
        for i, bag in enumerate(bags):
            place = torch.from_numpy(bag.coords // 256).flip(1)
            expected = theirs(torch.from_numpy(bag.features), coords=place)
            report("SPT", output.embedding[i], expected[0])


@pytest.mark.parametrize(("distil", "classes"), [("afs", 3), ("maxmin", 2)])
def test_dtfd(official, distil, classes):
    """Their loop over the pseudo-bags of a slide, on their modules and our pseudo-bags."""
    network = official("DTFD-MIL/Model/network.py")
    attention = official("DTFD-MIL/Model/Attention.py", "DTFD-MIL", package="Model.Attention")
    cam = official("DTFD-MIL/utils.py").get_cam_1d
    torch.manual_seed(0)
    embed, first = network.DimReduction(24, 16), network.Classifier_1fc(16, classes)
    scores = attention.Attention_Gated(16, 8)
    second = attention.Attention_with_Classifier(16, 8, 1, classes)
    spec = {"name": "dtfd", "hidden_dim": 16, "attention_dim": 8, "distil": distil}
    ours = build_aggregator(spec, 24, classes).eval()
    pairs = [(ours.embed[0], embed.fc1), (ours.first_classifier, first.fc)]
    for mine, theirs in ((ours.scores, scores), (ours.second_scores, second.attention)):
        pairs += [(mine.content, theirs.attention_V[0]), (mine.gate, theirs.attention_U[0])]
        pairs += [(mine.score, theirs.attention_weights)]
    copy([*pairs, (ours.classifier, second.classifier.fc)])
    bags = [bag_of(n, 24, seed) for seed, n in enumerate((50, 9, 4))]
    with torch.no_grad():
        output = ours(collate(bags))
        for i, bag in enumerate(bags):
            hidden = embed(torch.from_numpy(bag.features))
            order = scores(hidden, isNorm=False)[0].argsort(descending=True)
            distilled = []
            for members in (order[g::4] for g in range(4)):
                weighted = hidden[members] * scores(hidden[members])[0][:, None]
                shares = cam(first, weighted[None])[0].T.softmax(1)
                ranked = members[shares[:, -1].argsort(descending=True)]
                ends = hidden[ranked[[0, -1]]]
                distilled.append(weighted.sum(0, keepdim=True) if distil == "afs" else ends)
            report(f"DTFD {distil}", output.logits[i], second(torch.cat(distilled))[0])


def test_acmil(official):
    pytest.importorskip("einops")
    path = "ACMIL/architecture/transformer.py"
    module = official(path, "ACMIL", package="architecture.transformer")
    torch.manual_seed(0)
    settings = SimpleNamespace(D_feat=24, D_inner=16, n_class=3, n_token=5)
    theirs = module.ACMIL_GA(settings, D=8, n_token=5).eval()
    ours = build_aggregator({"name": "acmil", "hidden_dim": 16, "attention_dim": 8}, 24, 3).eval()
    pairs = [(ours.embed[0], theirs.dimreduction.fc1)]
    pairs += [(ours.scores.content, theirs.attention.attention_V[0])]
    pairs += [(ours.scores.gate, theirs.attention.attention_U[0])]
    pairs += [(ours.scores.score, theirs.attention.attention_weights)]
    pairs += [(ours.classifier, theirs.Slide_classifier.fc)]
    copy([*pairs, (ours.branch_classifiers, theirs.classifier)])
    bags = [bag_of(n, 24, seed) for seed, n in enumerate((50, 9, 1))]
    labels = torch.tensor([0, 1, 2])
    output, branches, likeness = ours(collate(bags), labels), [], []
    for i, bag in enumerate(bags):
        sub, slide, attention = theirs(torch.from_numpy(bag.features)[None])
        report("ACMIL logits", output.logits[i], slide[0])
        branches.append(torch.nn.functional.cross_entropy(sub, labels[[i]].expand(5)))
        a = attention.softmax(-1)
        pairs = [(j, k) for j in range(5) for k in range(j + 1, 5)]
        cosines = [torch.cosine_similarity(a[:, j], a[:, k], dim=-1).mean() for j, k in pairs]
        likeness.append(torch.stack(cosines).mean())
    report("ACMIL branches", output.losses["branches"], torch.stack(branches).mean())
    report("ACMIL likeness", output.losses["likeness"], torch.stack(likeness).mean())


def test_ilra(official):
    module = official("ACMIL/architecture/ilra.py")
    torch.manual_seed(0)
    theirs = module.ILRA(feat_dim=24, n_classes=3, hidden_feat=16, num_heads=4, topk=1, ln=True)
    theirs.eval()
    ours = build_aggregator({"name": "ilra", "hidden_dim": 16, "heads": 4}, 24, 3).eval()

    def attention(mine, other):
        pairs = [(mine.query, other.fc_q), (mine.key, other.fc_k), (mine.value, other.fc_v)]
        pairs += [(mine.attend, other.multihead_attn), (mine.after, other.fc_o)]
        pairs += [(mine.norms[0], other.ln0), (mine.norms[1], other.ln1)]
        copy(pairs if mine.gate is None else [*pairs, (mine.gate, other.gate)])

    with torch.no_grad():
        for mine, block in zip(ours.blocks, theirs.gab_blocks, strict=True):
            attention(mine.gather, block.project_forward)
            attention(mine.spread, block.project_backward)
            mine.latents.copy_(block.latent)
        attention(ours.pool, theirs.pooling.mha)
        ours.seed.copy_(theirs.pooling.S)
        copy([(ours.classifier, theirs.classifier)])
        bags = [bag_of(n, 24, seed) for seed, n in enumerate((50, 9, 1))]
        output = ours(collate(bags))
        for i, bag in enumerate(bags):
            report("ILRA", output.logits[i], theirs(torch.from_numpy(bag.features)[None])[0])


@pytest.mark.parametrize("shortcut", [False, True])
def test_rrt(official, shortcut):
    pytest.importorskip("einops")
    module = official("RRT-MIL/modules/rrt.py", "RRT-MIL", package="modules.rrt")
    torch.manual_seed(0)
    theirs = module.RRTMIL(input_dim=24, n_classes=3, da_act="tanh", all_shortcut=shortcut).eval()
    ours = build_aggregator({"name": "rrt", "shortcut": shortcut}, 24, 3).eval()
    encoder = theirs.online_encoder
    (within,), across = encoder.layers, encoder.cr_msa
    pairs = [(ours.embed[0], theirs.patch_to_emb[0]), (ours.norm, encoder.norm)]
    for mine, norm, layer in (
        (ours.within, ours.first_norm, within),
        (ours.across, ours.second_norm, across),
    ):
        pairs += [(norm, layer.norm), (mine.query_key_value, layer.attn.attn.qkv)]
        pairs += [(mine.project[0], layer.attn.attn.proj)]
    pairs += [(ours.within.position, within.attn.attn.pe), (ours.classifier, theirs.predictor)]
    pool = theirs.pool_fn.attention.attention
    copy([*pairs, (ours.content[0], pool[0]), (ours.score, pool[2])])
    with torch.no_grad():
        ours.phi.copy_(across.attn.phi)
        bags = [bag_of(n, 24, seed) for seed, n in enumerate((200, 9, 1))]
        output = ours(collate(bags))
        for i, bag in enumerate(bags):
            logits, attention = theirs(torch.from_numpy(bag.features)[None], return_attn=True)
            report("RRT logits", output.logits[i], logits[0])
            report("RRT attention", output.attention[i, : len(bag.features)], attention[0])


def test_simple_mil(official):
    module = official("nnMIL/network_architecture/models/simple_mil.py")
    torch.manual_seed(0)
    theirs = module.SimpleMIL(input_dim=40, hidden_dim=16, pred_num=3).eval()
    ours = build_aggregator({"name": "simple_mil", "channels": 16}, 40, 3).eval()
    pairs = [(ours.content, theirs.V), (ours.gate, theirs.U), (ours.score, theirs.w)]
    copy([*pairs, (ours.classifier, theirs.cls)])
    bags = [bag_of(n, 40, seed) for seed, n in enumerate((50, 9, 1))]
    with torch.no_grad():
        output = ours(collate(bags))
        for i, bag in enumerate(bags):
            found = theirs(torch.from_numpy(bag.features)[None], return_WSI_attn=True)
            report("SimpleMIL logits", output.logits[i], found["logits"][0])
            shown = found["WSI_attn"][0]
            report("SimpleMIL attention", output.attention[i, : len(shown)], shown)


@pytest.mark.parametrize("n_tokens", [200, 47, 11])
def test_mhim(official, n_tokens):
    """Masks of most and of least attention, and what the student makes of the rest.

    The random mask is drawn; of it the number is compared.
    """
    pytest.importorskip("einops")
    module = official("MHIM-MIL/modules/mhim.py", "MHIM-MIL", package="modules.mhim")
    torch.manual_seed(0)
    shares = {"mask_ratio_l": 0.2, "mask_ratio_h": 0.02, "mask_ratio_hr": 1.0}
    theirs = module.MHIM(n_classes=3, baseline="attn", temp_t=0.1, **shares).eval()
    ours = build_aggregator({"name": "mhim", "mask_random": 0.0}, 1024, 3).eval()
    pool = theirs.online_encoder.attention.attention
    with torch.no_grad():
        for mine in (ours.pool, ours.momentum_teacher):
            pairs = [(mine.embed[0], theirs.patch_to_emb[0]), (mine.content[0], pool[0])]
            copy([*pairs, (mine.score, pool[2])])
        copy([(ours.classifier, theirs.predictor)])
        bag = bag_of(n_tokens, 1024)
        batch, x = collate([bag]), torch.from_numpy(bag.features)[None]
        pooled, attention = theirs.forward_teacher(x)
        length, order = theirs.get_mask(n_tokens, 0, attention)
        shown = ours.shown(attention, batch.mask)[0]
        assert set(shown.nonzero().flatten().tolist()) == set(order[0, :length].tolist())
        logits, loss, *_ = theirs(x, attention, pooled, i=0)
        output = ours(batch, torch.tensor([1]))
        report("MHIM logits", output.logits, logits)
        report("MHIM consistency", output.losses["consistency"], 0.5 * loss)
        theirs.mask_ratio, theirs.mask_ratio_l, theirs.mask_ratio_h = 0.7, 0.0, 0.0
        drawing = build_aggregator({"name": "mhim", "mask_low": 0.0, "mask_high": 0.0}, 1024, 3)
        drawn = int(drawing.shown(attention, batch.mask).sum())
        assert drawn == theirs.get_mask(n_tokens, 0, attention)[0]


@pytest.mark.parametrize("n_tokens", [200, 11])
def test_mhim2(official, n_tokens, monkeypatch):
    """All of version 2 but the draw of what is merged, which theirs is given."""
    pytest.importorskip("einops")
    path = "MHIM-MIL-v2/modules/mhim.py"
    module = official(path, package="modules.mhim", bare="MHIM-MIL-v2/modules")
    torch.manual_seed(0)
    shares = {
        "mask_ratio_h": 0.03,
        "mask_ratio_hr": 1.0,
        "merge_ratio": 0.9,
        "merge_k": 3,
        "merge_mm": 0.9999,
    }
    theirs = module.MHIM(32, 24, n_classes=3, baseline="attn", temp_t=0.1, dropout=0.0, **shares)
    for layer in theirs.modules():
        if isinstance(layer, torch.nn.Dropout):
            layer.p = 0.0
    spec = {"name": "mhim2", "hidden_dim": 24, "merged_tokens": 3}
    spec |= {"dropout": 0.0, "merge_dropout": 0.0}
    ours = build_aggregator(spec, 32, 3).train()
    pool, merge = theirs.online_encoder.attention.attention, theirs.merge
    for mine, classifier in (
        (ours.pool, ours.classifier),
        (ours.teacher_pool, ours.teacher_classifier),
    ):
        pairs = [(mine.embed[0], theirs.feature[0]), (mine.content[0], pool[0])]
        copy([*pairs, (mine.score, pool[2]), (classifier, theirs.predictor)])
    pairs = [(ours.merge.norm, merge.norm), (ours.merge.query, merge.attn.to_q)]
    pairs += [(ours.merge.key_value, merge.attn.to_kv)]
    copy([*pairs, (ours.merge.project[0], merge.attn.to_out[0])])
    with torch.no_grad():
        ours.merge.queries.copy_(merge.global_q[0])
        bag = bag_of(n_tokens, 32)
        batch, x = collate([bag]), torch.from_numpy(bag.features)[None]
        pooled, scores = theirs.forward_teacher(x)
        attention, _ = ours.teacher_pool(batch.features[0], batch.mask)
        embedded = ours.teacher_pool.embed(batch.features[0])
        report("MHIM 2 scores", ours._scores(attention, embedded, batch.mask), scores)
        stays, rest = ours._divided(scores, batch.mask)
        kept = theirs.get_mask(n_tokens, 0, scores)
        order = kept[1][0, : kept[0]]
        assert set((stays | rest)[0].nonzero().flatten().tolist()) == set(order.tolist())
        monkeypatch.setattr(ours, "_divided", lambda *_: (stays, rest))
        split = (stays[0][order], rest[0][order])
        monkeypatch.setattr(merge, "masking", lambda x, _: tuple(x[:, part] for part in split))
        logits, loss, *_ = theirs(x, scores, pooled, i=0)
        output = ours(batch, torch.tensor([1]))
        ours.after_step()
        report("MHIM 2 logits", output.logits, logits)
        report("MHIM 2 consistency", output.losses["consistency"], 0.5 * loss)
        report("MHIM 2 queries", ours.merge.queries, merge.global_q[0])


def test_supcon(official):
    module = official("fastglioma/fastglioma/losses/supcon.py")
    torch.manual_seed(0)
    views = torch.nn.functional.normalize(torch.randn(4, 2, 8), dim=-1)
    labels = torch.tensor([0, 1, 0, 2])
    expected = module.SupConLoss()(views, labels)
    if isinstance(expected, dict):
        expected = expected["loss"]
    flat = torch.cat([views[:, 0], views[:, 1]])
    report("SupCon", supervised_contrast(flat, labels.repeat(2), 0.07), expected)


@pytest.mark.parametrize("name", ["abmil", "clam", "dsmil"])
def test_torchmil(name):
    """The one logit of torchmil's models of two classes; ours in a padded batch, theirs alone.

    Their DSMIL looks for the critical token in the padding, too.
    """
    models = pytest.importorskip("torchmil.models", reason="torchmil is not installed")
    torch.manual_seed(0)
    if name == "abmil":
        theirs = models.ABMIL((24,), att_dim=8, gated=True).eval()
        ours = build_aggregator({"name": name, "hidden_dim": None, "attention_dim": 8}, 24, 1)
    elif name == "clam":
        embed = torch.nn.Sequential(torch.nn.Linear(24, 12), torch.nn.ReLU())
        theirs = models.CLAM_SB((24,), att_dim=8, gated=True, feat_ext=embed).eval()
        spec = {"name": name, "branches": False, "hidden_dim": 12, "attention_dim": 8}
        ours = build_aggregator(spec, 24, 1)
        copy([(ours.embed[0], embed[0])])
    else:
        theirs = models.DSMIL((24,), att_dim=8, nonlinear_q=True).eval()
        ours = build_aggregator({"name": name, "query_dim": 8}, 24, 1)
        pairs = [(ours.instance, theirs.inst_classifier), (ours.query, theirs.q_nn)]
        copy([*pairs, (ours.classifier, theirs.bag_classifier)])
    with torch.no_grad():
        if name != "dsmil":
            copy([(ours.content[0], theirs.pool.fc1), (ours.gate[0], theirs.pool.fc_gated)])
            copy([(ours.classifier, theirs.classifier)])
            ours.score.weight.copy_(theirs.pool.fc2.weight)
        bags = [bag_of(n, 24, seed) for seed, n in enumerate((50, 9, 1))]
        batch = collate(bags)
        for i, bag in enumerate(bags):
            found = ours.eval()(batch).logits[i, 0]
            report(f"torchmil {name}", found, theirs(torch.from_numpy(bag.features)[None])[0])
