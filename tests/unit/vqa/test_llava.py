"""The model against LLaVA of transformers, with the same weights and features."""

from __future__ import annotations

import torch
import transformers
from torch import nn
from transformers.modeling_outputs import BaseModelOutputWithPooling

from helpers.bag_factory import random_bags
from helpers.tiny_answerer import DIM, asked, prompts, question, tiny_answerer
from slidesieve.bags import collate


class Features(nn.Module):
    """A vision tower that gives the features it was made with."""

    dtype = torch.float32

    def __init__(self, features):
        super().__init__()
        self.features = features

    def forward(self, *_, **__):
        return BaseModelOutputWithPooling(
            last_hidden_state=self.features, hidden_states=(self.features,)
        )


@torch.no_grad()
def test_the_same_weights_give_the_logits_of_llava():
    answerer = tiny_answerer("none")
    ours, n_tokens = answerer.model, 9
    tokens = collate(random_bags([n_tokens]))
    image_id = answerer.tokenizer.convert_tokens_to_ids("<image>")
    vision = transformers.CLIPVisionConfig(
        hidden_size=DIM, intermediate_size=8, num_hidden_layers=1, num_attention_heads=1,
        image_size=8, patch_size=8,
    )  # fmt: skip
    config = transformers.LlavaConfig(
        vision_config=vision,
        text_config=ours.language.config,
        image_token_index=image_id,
        projector_hidden_act="gelu",
        vision_feature_layer=-1,
        vision_feature_select_strategy="full",
    )
    llava = transformers.LlavaForConditionalGeneration(config).eval()
    llava.model.language_model.load_state_dict(ours.language.model.state_dict())
    llava.lm_head.load_state_dict(ours.language.lm_head.state_dict())
    projector = ours.connector.projector
    llava.model.multi_modal_projector.linear_1.load_state_dict(projector[0].state_dict())
    llava.model.multi_modal_projector.linear_2.load_state_dict(projector[2].state_dict())
    llava.model.vision_tower = Features(tokens.features)

    before = prompts().prompt(question()).before
    stem, *options = asked(question())[0]
    for option in options:
        ids = [*before, *[image_id] * n_tokens, *stem.ids, *option.ids]
        logits = llava(input_ids=torch.tensor([ids]), pixel_values=torch.zeros(1, 3, 8, 8)).logits
        predicted = logits[0, -len(option.ids) - 1 : -1].log_softmax(dim=-1)
        expected = predicted[range(len(option.ids)), list(option.ids)].sum()
        found = ours(tokens, before, [[stem, option]]).log_probability
        assert torch.allclose(found, expected, atol=1e-5)
