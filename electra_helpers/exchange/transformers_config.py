"""Our shape ↔ transformers' `ElectraConfig`: every field is taken over, or must have one value, or changes nothing that is read.

Fields of transformers 5; older and newer ones are held to the same lists. What the lists do not know of a model is found by its logits
(`bridge.load_transformers` compares them).
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from electra_helpers.config import ModelConfig
from electra_helpers.errors import ElectraError

# Ours → theirs: taken over in both directions.
HONOURED = {
    "vocab_size": "vocab_size",
    "embedding_size": "embedding_size",
    "hidden_size": "hidden_size",
    "num_layers": "num_hidden_layers",
    "num_heads": "num_attention_heads",
    "intermediate_size": "intermediate_size",
    "hidden_act": "hidden_act",
    "max_positions": "max_position_embeddings",
    "type_vocab_size": "type_vocab_size",
    "dropout": "hidden_dropout_prob",
    "attention_dropout": "attention_probs_dropout_prob",
    "layer_norm_eps": "layer_norm_eps",
    "initializer_range": "initializer_range",
}
# Other names of the same functions.
ACTIVATIONS = {
    "gelu_python": "gelu",
    "gelu_fast": "gelu_new",
    "gelu_accurate": "gelu_new",
    "gelu_pytorch_tanh": "gelu_new",
    "swish": "silu",
}
# These would change what is computed: any other value is refused.
REQUIRED = {
    "position_embedding_type": "absolute",
    "is_decoder": False,
    "add_cross_attention": False,
    "is_encoder_decoder": False,
    "pruned_heads": {},
    "quantization_config": None,
}
# These change nothing that is read here, whatever they hold.
WITHOUT_EFFECT = {
    # of heads that are not loaded: a task's head is trained anew
    *("summary_type", "summary_use_proj", "summary_activation", "summary_last_dropout", "classifier_dropout"),
    *("problem_type", "id2label", "label2id", "num_labels"),
    # the tokenizer decides them; the weights themselves say whether the output matrix is the word table
    *("pad_token_id", "bos_token_id", "eos_token_id", "sep_token_id", "tie_word_embeddings"),
    # how transformers returns and stores things: the numbers stay the same
    *("output_hidden_states", "output_attentions", "return_dict", "use_cache", "chunk_size_feed_forward", "dtype"),
    *("architectures", "model_type", "transformers_version", "_name_or_path"),
}


def shape_of(config: Any, folder: Path | str, *, causal: bool = False) -> ModelConfig:
    """The shape of one net that transformers describes. Raises `ElectraError` that names the field which is not supported.

    `causal` says that it is a language model which sees earlier tokens alone: there `is_decoder` is True.
    """
    for name, only in (REQUIRED | {"is_decoder": causal}).items():
        value = getattr(config, name, None)
        if value is not None and value != only:
            raise ElectraError(f"{folder} has {name} {value!r} in its config.json: only {only!r} can be read.")
    found: dict[str, Any] = {ours: getattr(config, theirs, None) for ours, theirs in HONOURED.items()}
    found["embedding_size"] = found["embedding_size"] or found["hidden_size"]  # BERT has one width
    found["hidden_act"] = ACTIVATIONS.get(found["hidden_act"], found["hidden_act"])
    missing = [HONOURED[name] for name, value in found.items() if value is None]
    if missing:
        raise ElectraError(f"{folder} has no {missing[0]} in its config.json.")
    try:
        return ModelConfig(**found, generator_size=1.0, causal=causal)
    except (ElectraError, TypeError) as error:
        raise ElectraError(f"{folder} has a config.json that cannot be used: {error}") from error


def transformers_config(config: ModelConfig) -> Any:
    """Our shape as an `ElectraConfig`; there a causal net is a decoder."""
    from transformers import ElectraConfig

    fields = {theirs: getattr(config, ours) for ours, theirs in HONOURED.items()}
    return ElectraConfig(**fields, pad_token_id=config.pad_id, is_decoder=config.causal)
