"""Data sets of the Hugging Face hub through `datasets`, with one clear line where the hub cannot be reached."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple

from electra_helpers.errors import ElectraError

# Names as articles write them → names on the hub. Sets of this list with a loading script of their own are left out:
# datasets 4 runs none. None of them could be fetched where this was written, without internet.
SHORT_NAMES = {
    "blimp": "nyu-mll/blimp",
    "chnsenticorp": "lansinuote/ChnSentiCorp",
    "cmrc2018": "hfl/cmrc2018",
    "conll2003": "lhoestq/conll2003",
    "glue": "nyu-mll/glue",
    "imdb": "stanfordnlp/imdb",
    "multi30k": "bentrevett/multi30k",
    "openwebtext": "Skylion007/openwebtext",
    "opus100": "Helsinki-NLP/opus-100",
    "squad": "rajpurkar/squad",
    "sst2": "stanfordnlp/sst2",
    "wikiann": "unimelb-nlp/wikiann",
    "wikipedia": "wikimedia/wikipedia",
    "wikitext": "Salesforce/wikitext",
    "xsum": "EdinburghNLP/xsum",
}
# Revisions as other public projects pin them; a set that is not here is read at its newest.
REVISIONS = {
    "EdinburghNLP/xsum": "7d4d486c2f8ef850b1a11aead99b894ff3dd7da9",
    "Salesforce/wikitext": "b08601e04326c79dfdd32d625aee71d232d685c3",
    "hfl/cmrc2018": "137f2c45a24275fb68f6961c4d357f46288886aa",
    "nyu-mll/blimp": "877fba0801ffb7cbd8c39c1ff314a46f053f6036",
    "nyu-mll/glue": "bcdcba79d07bc864c1c254ccfcedcce55bcc9a8c",
    "stanfordnlp/imdb": "e6281661ce1c48d982bc483cf8a173c1bbeb5d31",
}


class NoSplit(ElectraError):
    """A set that is there and lacks the split asked for."""


class HubName(NamedTuple):
    """What `datasets.load_dataset` wants to know."""

    name: str
    configuration: str | None = None
    revision: str | None = None


def hub_name(written: str) -> HubName:
    """Read "owner/name", "owner/name/configuration" or a short name, each perhaps with "@revision"."""
    path, _, revision = written.partition("@")
    first, *rest = path.strip("/").split("/")
    owned = SHORT_NAMES.get(first.lower()) if len(rest) < 2 else None
    parts = [*owned.split("/"), *rest] if owned else [first, *rest]
    if "" in parts or len(parts) > 3:
        raise ElectraError(f"{written!r} is no name on the hub: write owner/name or owner/name/configuration.")
    name = "/".join(parts[:2])
    return HubName(name, parts[2] if len(parts) == 3 else None, revision or REVISIONS.get(name))


def load_from_hub(name: HubName, split: str, *, streaming: bool = False) -> Any:
    """One split of a data set on the hub: a `datasets.Dataset`, or an `IterableDataset` that is read as it arrives."""
    import datasets  # costs a second: only those who ask the hub pay

    with told_in_one_line(name.name):
        return datasets.load_dataset(
            name.name, name.configuration, split=split, revision=name.revision, streaming=streaming
        )


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
    except (ValueError, RuntimeError) as error:
        if "Unknown split" in str(error):
            raise NoSplit(f"{name} on the hub has no such split: {_first_line(error)}") from error
        # a configuration or split that is not there, a loading script
        raise ElectraError(f"{name} could not be loaded from the hub: {_first_line(error)}") from error
    finally:
        logger.setLevel(level)


def _first_line(error: Exception) -> str:
    return (str(error).strip() or type(error).__name__).splitlines()[0]
