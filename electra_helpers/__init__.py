"""Learn ELECTRA by building it: the package behind the notebooks.

Every public name is imported on first use, so that `import electra_helpers` is fast and loads neither torch nor transformers.
"""

from importlib import import_module

__version__ = "0.1.0"

# Public name → the module that holds it. One place: `dir(electra_helpers)`, the lazy import and the tests read this table.
_HOME: dict[str, str] = {
    "Callback": "electra_helpers.training.loop",
    "Corruption": "electra_helpers.corruption",
    "Discriminator": "electra_helpers.model.electra",
    "Electra": "electra_helpers.model.electra",
    "ElectraError": "electra_helpers.errors",
    "Encoder": "electra_helpers.model.encoder",
    "FinetuneConfig": "electra_helpers.config",
    "Finetuned": "electra_helpers.tasks.finetuned",
    "Generator": "electra_helpers.model.electra",
    "LiveCurves": "electra_helpers.view.live",
    "ModelConfig": "electra_helpers.config",
    "PretrainConfig": "electra_helpers.config",
    "Pretrained": "electra_helpers.saved.pretrained",
    "Pretraining": "electra_helpers.training.pretraining",
    "Recolour": "electra_helpers.view.live",
    "Selection": "electra_helpers.corruption",
    "Steps": "electra_helpers.model.electra",
    "Tokenizer": "electra_helpers.text.tokenizer",
    "check": "electra_helpers.course.engine.grading",
    "choose_device": "electra_helpers.device",
    "choose_threshold": "electra_helpers.tasks.cleaning.task",
    "corrupt": "electra_helpers.corruption",
    "detect": "electra_helpers.tasks.detection",
    "detection_metrics": "electra_helpers.training.metrics",
    "distinct_n": "electra_helpers.tasks.generation",
    "drawing": "electra_helpers.view.drawings",
    "duel": "electra_helpers.view.explorer.duel",
    "explore": "electra_helpers.view.explorer.widget",
    "export": "electra_helpers.tasks.exporting",
    "finetune": "electra_helpers.tasks.finetuning",
    "gather_positions": "electra_helpers.corruption",
    "generate": "electra_helpers.tasks.generation",
    "gibbs_step": "electra_helpers.tasks.generation",
    "hint": "electra_helpers.course.engine.grading",
    "label_replaced": "electra_helpers.corruption",
    "ladder": "electra_helpers.tasks.detection",
    "learning_rate_at": "electra_helpers.training.optim",
    "layer_scales": "electra_helpers.training.optim",
    "load": "electra_helpers.exchange.store",
    "load_finetuned": "electra_helpers.tasks.finetuned",
    "mask_positions": "electra_helpers.corruption",
    "mine": "electra_helpers.course.engine.grading",
    "own_steps": "electra_helpers.course.labs.own_steps",
    "plots": "electra_helpers.view",
    "pool": "electra_helpers.course.labs.pooling",
    "portfolio": "electra_helpers.course.engine.portfolio",
    "guess": "electra_helpers.course.engine.portfolio",
    "predict": "electra_helpers.course.engine.portfolio",
    "pretrain": "electra_helpers.training.pretraining",
    "push": "electra_helpers.exchange.hub_push",
    "progress": "electra_helpers.course.engine.progress",
    "recipe": "electra_helpers.recipes",
    "reveal": "electra_helpers.course.engine.portfolio",
    "sample_tokens": "electra_helpers.corruption",
    "select_positions": "electra_helpers.corruption",
    "setup": "electra_helpers.course.engine.session",
    "share": "electra_helpers.course.labs.pooling",
    "solution": "electra_helpers.course.engine.grading",
    "threshold_sliders": "electra_helpers.view.sliders",
    "suspects": "electra_helpers.tasks.cleaning.suspects",
    "tokenizer_from_words": "electra_helpers.text.tokenizer",
    "tokens_to_html": "electra_helpers.view.tokens",
    "train": "electra_helpers.training.loop",
    "train_tokenizer": "electra_helpers.text.vocabulary",
    "type_and_see": "electra_helpers.view.sliders",
    "whose": "electra_helpers.course.engine.grading",
    "world_run": "electra_helpers.course.labs.world_run",
}

__all__ = sorted(_HOME)


def __getattr__(name: str):
    if name in _HOME:
        return getattr(import_module(_HOME[name]), name)
    raise AttributeError(f"module 'electra_helpers' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted([*globals(), *_HOME])
