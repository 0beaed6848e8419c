"""Fine-tuned models to transformers, with equal logits: ElectraForSequenceClassification, …ForTokenClassification,
…ForQuestionAnswering, …ForMultipleChoice; EncoderDecoderModel where a decoder writes.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from torch import Tensor

from electra_helpers.errors import ElectraError
from electra_helpers.exchange.transformers_bridge import encoder_to_transformers, quiet_transformers
from electra_helpers.exchange.transformers_config import transformers_config
from electra_helpers.exchange.transformers_decoder import TextDecoder, encoder_decoder
from electra_helpers.model.heads import ChoiceHead, FinetunedNet, SpanHead, TextHead, TokenHead
from electra_helpers.paths import check_new_folder
from electra_helpers.text.tokenizer import Tokenizer

# Our head → transformers' class, and where that keeps our head's layers.
CLASSES = {
    TextHead: ("ElectraForSequenceClassification", {"dense": "classifier.dense", "out": "classifier.out_proj"}),
    ChoiceHead: ("ElectraForMultipleChoice", {"dense": "sequence_summary.summary", "out": "classifier"}),
    TokenHead: ("ElectraForTokenClassification", {"out": "classifier"}),
    SpanHead: ("ElectraForQuestionAnswering", {"out": "qa_outputs"}),
}

# Heads that a causal encoder has here and cannot have there: why, and what to do.
CAUSAL_IS_REFUSED = {
    TextHead: ("ElectraForSequenceClassification reads the first", "export with --onnx"),
    TextDecoder: ("EncoderDecoderModel takes no such encoder", "fine-tune a model of another objective"),
}


def finetuned_to_transformers(net: FinetunedNet, labels: Sequence[str] = ()) -> Any:
    """The same model as transformers' class, in eval mode. Raises `ElectraError` for a head that transformers does not have."""
    import transformers

    if net.encoder.config.causal and isinstance(net.head, TextDecoder | TextHead):
        theirs, instead = CAUSAL_IS_REFUSED[type(net.head)]
        raise ElectraError(
            f"The encoder sees earlier tokens alone (objective clm), and transformers' {theirs}: {instead}."
        )
    if isinstance(net.head, TextDecoder):
        return encoder_decoder(net)
    is_papers = isinstance(net.head, TextHead) and net.head.dense is None
    if type(net.head) not in CLASSES or is_papers:
        raise ElectraError("transformers has no such head: fine-tune with --head transformers to take the model there.")
    name, layers = CLASSES[type(net.head)]
    config = transformers_config(net.encoder.config)
    head: Any = net.head
    kinds = head.out.out_features
    config.num_labels = kinds
    if labels:
        config.id2label = dict(enumerate(labels))
        config.label2id = {label: number for number, label in enumerate(labels)}
    config.problem_type = "regression" if kinds == 1 and not isinstance(head, ChoiceHead) else None
    state: dict[str, Tensor] = encoder_to_transformers({n: v.detach() for n, v in net.encoder.state_dict().items()})
    if (
        getattr(net.head, "form", None) == "paper"
    ):  # it learned with all text in segment 1, transformers says 0 unless told
        types = state["electra.embeddings.token_type_embeddings.weight"]
        state["electra.embeddings.token_type_embeddings.weight"] = types[1:2].expand_as(types).clone()
    for ours, theirs in layers.items():
        state |= {f"{theirs}.{n}": v.detach() for n, v in getattr(net.head, ours).state_dict().items()}
    model = getattr(transformers, name)(config).to(next(net.parameters()).dtype)
    model.load_state_dict(state)
    return model.eval()


def export_finetuned(net: FinetunedNet, tokenizer: Tokenizer, labels: Sequence[str], out: str | Path) -> str:
    """Write a folder that transformers loads; returns the name of the class that loads it. Raises `ElectraError` if `out` is not empty.

    What a decoder writes is read with the vocabulary in `out`/target.
    """
    out = Path(out)
    check_new_folder(out, "choose another folder to export to")
    with quiet_transformers():
        model = finetuned_to_transformers(net, labels)
        model.save_pretrained(out)
    tokenizer.save(out, max_length=net.encoder.config.max_positions)
    if isinstance(net.head, TextDecoder):
        net.head.target.save(out / "target", max_length=net.head.net.config.max_position_embeddings)
    return type(model).__name__
