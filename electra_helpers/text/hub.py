"""Data sets of the Hugging Face hub through `datasets`, with one clear line where the hub cannot be reached."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from electra_helpers.errors import ElectraError

# Names from before the hub had owners, which still stand in many articles: `wikitext/wikitext-2-raw-v1` is
# name/configuration.
OLD_NAMES = {
    "glue": "nyu-mll/glue",
    "imdb": "stanfordnlp/imdb",
    "sst2": "stanfordnlp/sst2",
    "squad": "rajpurkar/squad",
    "wikitext": "Salesforce/wikitext",
    "wikiann": "unimelb-nlp/wikiann",
    "wikipedia": "wikimedia/wikipedia",
    "openwebtext": "Skylion007/openwebtext",
    "xsum": "EdinburghNLP/xsum",
}


def split_hub_name(name: str) -> tuple[str, str | None]:
    """ "owner/name", "owner/name/configuration", "name" or "name/configuration" → (name on the hub, configuration)."""
    first, *rest = name.strip("/").split("/")
    owned = OLD_NAMES.get(first)
    parts = [*owned.split("/"), *rest] if owned else [first, *rest]
    if not first or len(parts) > 3 or "" in parts:
        raise ElectraError(f"{name!r} is no name on the hub: write owner/name or owner/name/configuration.")
    return "/".join(parts[:2]), parts[2] if len(parts) == 3 else None


def load_from_hub(name: str, configuration: str | None, split: str, *, streaming: bool = False) -> Any:
    """One split of a data set on the hub: a `datasets.Dataset`, or an `IterableDataset` that is read as it arrives."""
    import datasets  # costs a second: only those who ask the hub pay

    with told_in_one_line(name):
        return datasets.load_dataset(name, configuration, split=split, streaming=streaming)


@contextmanager
def told_in_one_line(name: str) -> Iterator[None]:
    """Turn what `datasets` raises into one line; its repeated attempts are not printed."""
    logger = logging.getLogger("huggingface_hub")
    level = logger.level
    logger.setLevel(logging.CRITICAL)
    try:
        yield
    except ElectraError:
        raise
    except FileNotFoundError as error:  # also DatasetNotFoundError
        raise ElectraError(f"The hub has no data set {name}, or it is private: {_first_line(error)}") from error
    except OSError as error:  # also ConnectionError and the timeouts of the HTTP libraries
        reason = _first_line(error)
        raise ElectraError(
            f"{name} could not be fetched from the hub ({reason}). Without internet, give a file."
        ) from error
    except (ValueError, RuntimeError) as error:  # a configuration or split that is not there, a loading script
        raise ElectraError(f"{name} could not be loaded from the hub: {_first_line(error)}") from error
    finally:
        logger.setLevel(level)


def _first_line(error: Exception) -> str:
    return (str(error).strip() or type(error).__name__).splitlines()[0]
