"""A decoder on the vectors of an encoder, so that ELECTRA can be the reading half of a model that writes.

The decoder is transformers' ElectraForCausalLM: the layers of ELECTRA with a mask that hides what comes later, cross-attention to the
source in every layer, and a language model's head. `encoder_decoder` joins both halves to transformers' EncoderDecoderModel, whose
`generate` searches with beams. Shapes: B batch, L length of the source, T of the target, H hidden size, V target vocabulary.
"""

from __future__ import annotations

from collections.abc import Mapping
from copy import deepcopy
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor, nn

from electra_helpers.config import ModelConfig
from electra_helpers.exchange.transformers_bridge import encoder_to_transformers
from electra_helpers.exchange.transformers_config import transformers_config
from electra_helpers.model.encoder import Encoder
from electra_helpers.model.heads import FinetunedNet
from electra_helpers.text.packing import Batch
from electra_helpers.text.tokenizer import Tokenizer

WORDS = "electra.embeddings.word_embeddings.weight"


class TextDecoder(nn.Module):
    """Source vectors (B, L, H) and the target so far (B, T) → logits of each next token (B, T, V).

    `beams` and `longest` (tokens, [CLS] and [SEP] included) say how texts are searched when it is asked to write.
    """

    def __init__(self, config: ModelConfig, target: Tokenizer, *, beams: int = 1, longest: int = 64) -> None:
        from transformers import ElectraForCausalLM

        super().__init__()
        self.target, self.beams, self.longest = target, beams, longest
        shape = transformers_config(replace(config, vocab_size=target.vocab_size, pad_id=target.pad_id))
        shape.is_decoder = shape.add_cross_attention = True
        shape.bos_token_id, shape.eos_token_id = target.cls_id, target.sep_id
        self.net = ElectraForCausalLM(shape)

    def forward(self, hidden: Tensor, inputs: Tensor, real: Tensor | None = None) -> Tensor:
        """`real` (B, L) is True on the source's tokens; padding behind a target needs no mask, since nothing looks ahead."""
        return self.net(
            inputs, encoder_hidden_states=hidden, encoder_attention_mask=_as_integers(real), use_cache=False
        ).logits

    @torch.no_grad()
    def start_from(self, encoder: Encoder, rows: Mapping[int, int]) -> None:
        """Take over the encoder's positions, LayerNorms, self-attention and feed-forward layers, and the words in `rows` (target id → id).

        Cross-attention and the language model's head have no counterpart there: they stay as they were drawn.
        """
        state = encoder_to_transformers(encoder.state_dict())
        words = state.pop(WORDS)
        self.net.load_state_dict(state, strict=False)
        if rows:
            self.net.electra.embeddings.word_embeddings.weight[list(rows)] = words[list(rows.values())]


def encoder_decoder(net: FinetunedNet) -> Any:
    """The net as transformers' EncoderDecoderModel in eval mode, with equal logits, set to generate as the decoder says."""
    from transformers import ElectraForCausalLM, ElectraModel, EncoderDecoderModel, GenerationConfig

    encoder = ElectraModel(transformers_config(net.encoder.config))
    state = encoder_to_transformers({name: value.detach() for name, value in net.encoder.state_dict().items()})
    encoder.load_state_dict({name.removeprefix("electra."): value for name, value in state.items()})
    head, target = net.head, net.head.target
    decoder = ElectraForCausalLM(head.net.config)
    decoder.load_state_dict(head.net.state_dict())
    model = EncoderDecoderModel(encoder=encoder, decoder=decoder)
    ids = {"decoder_start_token_id": target.cls_id, "eos_token_id": target.sep_id, "pad_token_id": target.pad_id}
    for name, value in ids.items():
        setattr(model.config, name, value)
    model.generation_config = GenerationConfig(
        num_beams=head.beams,
        max_length=head.longest,
        early_stopping=head.beams > 1,
        suppress_tokens=[number for number in target.special_ids if number != target.sep_id],
        **ids,
    )
    return model.to(next(net.parameters())).eval()


@torch.no_grad()
def cross_attention(net: FinetunedNet, batch: Batch, inputs: Tensor) -> list[Tensor]:
    """Where each written token looks in the source, layer by layer: (B, A, T, L), rows sum to 1. For pictures."""
    from transformers import ElectraForCausalLM

    # Of a decoder by itself: inside of an EncoderDecoderModel, transformers 5.15 does not pass the change on to the layers.
    decoder = ElectraForCausalLM(deepcopy(net.head.net.config)).to(next(net.parameters())).eval()
    decoder.load_state_dict(net.head.net.state_dict())
    decoder.set_attn_implementation("eager")  # the only form that gives its weights away
    real = _as_integers(batch.attention_mask)
    hidden = net.eval().hidden(batch)
    found = decoder(inputs, encoder_hidden_states=hidden, encoder_attention_mask=real, output_attentions=True)
    return list(found.cross_attentions)


def _as_integers(mask: Tensor | None) -> Tensor | None:
    return None if mask is None else mask.long()
