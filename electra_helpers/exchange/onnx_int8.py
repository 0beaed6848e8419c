"""ONNX in eight bits: all products, or all but those that it harms most, or the weights alone; the first that is near enough to torch."""

from __future__ import annotations

import ast
import copy
import math
import warnings
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import numpy as np

from electra_helpers.errors import ElectraWarning

INT8_TOLERANCE = 0.03  # how far a probability may be off
SHARES = (1 / 8, 1 / 4, 3 / 8, 1 / 2, 5 / 8, 3 / 4)  # of the products that stay in fp32, one attempt after the other
SCOPES = "pkg.torch.onnx.name_scopes"  # where torch's exporter says which part of the net a node is from


def in_eight_bits(
    made: Path, path: Path, distance: Callable[[Path], float], feeds: Sequence[dict[str, np.ndarray]]
) -> Path:
    """Write the graph `made` to `path` in eight bits, and warn where not all of its products are.

    `distance` measures how far the probabilities of a graph are from torch's; `feeds` are the inputs on which products are ranked.
    """
    worst, smallest = distance(quantised(made, path)), path.stat().st_size
    if worst <= INT8_TOLERANCE:
        return path
    products = by_harm(made, feeds)
    said = f"With all {len(products)} products in eight bits a probability differs from torch's by {worst:.2g}, over {INT8_TOLERANCE:g}"
    for share in SHARES:
        exact = products[: math.ceil(share * len(products))]
        off = distance(quantised(made, path, [node.name for node in exact]))
        if off <= INT8_TOLERANCE:
            kinds = ", ".join(f"{count} {kind}" for kind, count in Counter(map(part_of, exact)).most_common())
            sizes = f"{path.stat().st_size / 1e6:.3g} MB instead of {smallest / 1e6:.3g}"
            found = f"the {len(exact)} that change the outputs most stay in fp32 ({kinds}), which leaves {off:.2g}. The file has {sizes}."
            warnings.warn(f"{said}: {found}", ElectraWarning, stacklevel=4)
            return path
    warnings.warn(
        f"{said}, and by {off:.2g} with the {len(exact)} in fp32 that change the outputs most: only the weights are in eight bits. "
        "The file is as small, and no faster than fp32.",
        ElectraWarning,
        stacklevel=4,
    )
    return weights_in_eight_bits(made, path)


def precision_of(path: Path) -> str:
    """What of a graph that was written in eight bits is in them, in words."""
    import onnx

    model = onnx.load(path)
    exact, rounded = len(products_of(model)), sum(node.op_type == "MatMulInteger" for node in model.graph.node)
    others = f", but for {exact} of {exact + rounded} products in fp32" if exact else ""
    return f"weights in eight bits{others}"


def quantised(made: Path, path: Path, exact: Sequence[str] = ()) -> Path:
    """The graph with its matrices in eight bits and its products too, sums in 32; the nodes named `exact` stay as they are."""
    from onnxruntime.quantization import QuantType, quantize_dynamic

    # A Gemm is made a MatMul and an Add first, under a name of its own.
    kept = [name + ending for name in exact for ending in ("", "_MatMul")]
    with quiet():
        # Seven bits of eight: processors without VNNI add two products in 16 bits, which would overflow.
        quantize_dynamic(
            made, path, weight_type=QuantType.QInt8, per_channel=True, reduce_range=True, nodes_to_exclude=kept
        )
    return forget_where_it_was_made(path)


def forget_where_it_was_made(path: Path) -> Path:
    """Take out of a graph what the exporter notes at each operation, but for the part of the net: files and lines of this machine."""
    import onnx

    model = onnx.load(path)
    graph, functions = model.graph, model.functions
    inside = [node for function in functions for node in function.node]
    for part in (model, graph, *graph.node, *graph.value_info, *graph.input, *graph.output, *functions, *inside):
        notes = part.metadata_props
        for number in reversed([number for number, note in enumerate(notes) if note.key != SCOPES]):
            del notes[number]
    onnx.save(model, path)
    return path


def products_of(model) -> list:
    """The nodes that multiply by a matrix of weights in fp32: these are made in eight bits. Products of attention have none."""
    matrices = _matrices(model)
    return [node for node in model.graph.node if node.op_type in ("MatMul", "Gemm") and node.input[1] in matrices]


def part_of(node) -> str:
    """Which part of a layer or head a node computes, as `down` or `attention.out`; its name where torch does not say."""
    scopes = next((ast.literal_eval(each.value) for each in node.metadata_props if each.key == SCOPES), [])
    if len(scopes) < 2:
        return node.name
    *_, above, last = ["", *scopes[-2].split(".")]
    return last if above.isdigit() or not above else f"{above}.{last}"


def by_harm(made: Path, feeds: Sequence[dict[str, np.ndarray]]) -> list:
    """The products of a graph, first the one that changes the outputs most when it alone is made in eight bits.

    How far its own result is off does not tell: of electra-minilm-en the first `down` is among the more exact, but its error grows in
    every layer above. So the error of one product at a time is added to its result, and the outputs are compared.
    """
    import onnx

    model = onnx.load(made)
    products, matrices = products_of(model), _matrices(model)
    outputs = [output.name for output in model.graph.output]
    session = _with_errors(model, products)
    none = {f"{node.name}.error": np.zeros((), np.float32) for node in products}
    harm = np.zeros(len(products))
    for feed in feeds:
        exact = session.run([*outputs, *(node.input[0] for node in products)], feed | none)
        for number, node in enumerate(products):
            error = _error(exact[len(outputs) + number], _matrix(node, matrices))
            moved = session.run(outputs, feed | none | {f"{node.name}.error": error})
            harm[number] += sum(
                float(np.square(one - other).sum()) for one, other in zip(moved, exact[: len(outputs)], strict=True)
            )
    return [products[number] for number in np.argsort(-harm, kind="stable")]


def _with_errors(model, products: Sequence):
    """A session of the graph that also gives what each product reads, and takes NAME.error, which is added to the product NAME."""
    import onnx
    import onnxruntime
    from onnx import helper

    number, names = onnx.TensorProto.FLOAT, {node.name for node in products}
    changed = copy.deepcopy(model)
    computing = list(changed.graph.node)
    del changed.graph.node[:]
    for node in computing:
        changed.graph.node.append(node)
        if node.name in names:
            result, error = node.output[0], f"{node.name}.error"
            changed.graph.node[-1].output[0] = f"{result}.exact"
            changed.graph.node.append(helper.make_node("Add", [f"{result}.exact", error], [result]))
            changed.graph.input.append(helper.make_tensor_value_info(error, number, None))
    read = dict.fromkeys(node.input[0] for node in products)
    changed.graph.output.extend(helper.make_tensor_value_info(name, number, None) for name in read)
    return onnxruntime.InferenceSession(changed.SerializeToString(), providers=["CPUExecutionProvider"])


def _error(x: np.ndarray, matrix: np.ndarray) -> np.ndarray:
    """What eight bits add to a product, (…, O): `x` (…, I) has one scale and 256 levels, `matrix` (I, O) a scale a column and 128."""
    step = (max(x.max(), 0) - min(x.min(), 0)) / 255 or 1
    steps = np.abs(matrix).max(0) / 64
    steps[steps == 0] = 1
    return (np.round(x / step) * step) @ (np.round(matrix / steps) * steps) - x @ matrix


def _matrices(model) -> dict:
    """The matrices of a graph that are stored in fp32, by name."""
    import onnx

    return {
        each.name: each
        for each in model.graph.initializer
        if len(each.dims) == 2 and each.data_type == onnx.TensorProto.FLOAT
    }


def _matrix(node, matrices: dict) -> np.ndarray:
    """What a product multiplies by, (I, O)."""
    from onnx import numpy_helper

    matrix = numpy_helper.to_array(matrices[node.input[1]])
    return matrix.T if _is_turned(node) else matrix


def _is_turned(node) -> bool:
    return any(option.name == "transB" and option.i for option in node.attribute)


def weights_in_eight_bits(made: Path, path: Path) -> Path:
    """The same graph with its matrices stored as int8 and a scale for each output (of an embedding: for each row); it computes in fp32."""
    import onnx

    model = onnx.load(made)
    graph, unpacking, matrices = model.graph, [], _matrices(model)
    for node in graph.node:
        if node.op_type not in ("MatMul", "Gemm", "Gather"):
            continue
        for name in node.input:
            if name in matrices:
                matrix = matrices.pop(name)
                stored, unpacked = _packed(matrix, axis=0 if node.op_type == "Gather" or _is_turned(node) else 1)
                graph.initializer.remove(matrix)
                graph.initializer.extend(stored)
                unpacking.append(unpacked)
    computing = list(graph.node)
    del graph.node[:]
    graph.node.extend([*unpacking, *computing])
    onnx.save(model, path)
    return path


def _packed(matrix, axis: int):
    """A matrix as int8 and scales along `axis`, and the node that makes it again under its own name, for all that read it."""
    from onnx import helper, numpy_helper

    values = numpy_helper.to_array(matrix)
    scales = np.abs(values).max(1 - axis) / 127
    scales[scales == 0] = 1  # a row of zeros stays one
    whole = np.round(values / np.expand_dims(scales, 1 - axis)).astype(np.int8)
    names = [f"{matrix.name}.int8", f"{matrix.name}.scale"]
    stored = [numpy_helper.from_array(each, name) for each, name in zip((whole, scales), names, strict=True)]
    return stored, helper.make_node("DequantizeLinear", names, [matrix.name], axis=axis)


@contextmanager
def quiet() -> Iterator[None]:
    """Without the exporters' notices: what matters of them is found by comparing the outputs."""
    import logging

    before = logging.root.manager.disable
    logging.disable(logging.WARNING)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        logging.disable(before)
