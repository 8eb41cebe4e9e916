"""The trained encoder's graph, written again with fused operators and without a mask: the same weights, less work.

The exported graph spends more than half of its time outside matrix products: a mask that a single window does not need,
shapes computed at run time, three projections that quantise the same input three times. Here each layer is nine operators.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

_HEADS = 12
_LAYERS = 12
_EPSILON = 1e-12
_CONTRIB = "com.microsoft"


@dataclass(frozen=True)
class Weight:
    """A quantised matrix (inputs by outputs) with one scale and one zero point for each output."""

    values: NDArray[np.int8]
    scale: NDArray[np.float32]
    zero: NDArray[np.int8]


class Constants(Protocol):
    """Where weights come from."""

    @property
    def epsilon(self) -> float:
        """What layer normalisation adds to the variance."""

    def array(self, name: str) -> NDArray[np.generic]:
        """A constant by its name."""

    def weight(self, layer: str) -> Weight:
        """The quantised matrix of a linear layer."""

    def smoothing(self, layer: str) -> NDArray[np.float32] | None:
        """What the inputs of a linear layer are divided by, each; its matrix is multiplied by it already."""


class Source:
    """The constants of the exported graph by the name of the layer that uses them."""

    def __init__(self, model: onnx.ModelProto) -> None:
        self._constants = {item.name: numpy_helper.to_array(item) for item in model.graph.initializer}
        self._products = {node.output[0]: node for node in model.graph.node if node.op_type == "MatMulInteger"}
        self._norms = [node for node in model.graph.node if node.op_type == "LayerNormalization"]

    @property
    def epsilon(self) -> float:
        """What layer normalisation adds to the variance."""
        found = {attribute.f for node in self._norms for attribute in node.attribute if attribute.name == "epsilon"}
        (epsilon,) = found
        return float(epsilon)

    def array(self, name: str) -> NDArray[np.generic]:
        """A constant by its name."""
        return self._constants[name]

    def weight(self, layer: str) -> Weight:
        """The quantised matrix of a linear layer."""
        node = self._products[f"{layer}/MatMul_output_0_output_quantized"]
        stem = node.input[1].removesuffix("_quantized")
        values = self._constants[f"{stem}_quantized"]
        width = values.shape[1]
        scale = np.broadcast_to(self._constants[f"{stem}_scale"], (width,)).astype(np.float32)
        zero = np.broadcast_to(self._constants[f"{stem}_zero_point"], (width,)).astype(values.dtype)
        return Weight(values, scale, zero)

    def smoothing(self, layer: str) -> None:  # noqa: ARG002
        """Nothing: the exported graph takes inputs as they are."""
        return


class Writer:
    """Collects the nodes and constants of a new graph."""

    def __init__(self) -> None:
        self.nodes: list[onnx.NodeProto] = []
        self.constants: list[onnx.TensorProto] = []

    def constant(self, name: str, values: NDArray[np.generic]) -> str:
        """A named constant."""
        self.constants.append(numpy_helper.from_array(np.ascontiguousarray(values), name))
        return name

    def node(self, kind: str, *inputs: str, output: str, domain: str = "", **attributes: object) -> str:
        """An operator with one output."""
        self.nodes.append(helper.make_node(kind, list(inputs), [output], name=output, domain=domain, **attributes))
        return output

    def linear(self, x: str, name: str, weight: Weight, bias: NDArray[np.generic] | None) -> str:
        """``x @ weight + bias`` with the activations quantised on the way."""
        inputs = [
            self.constant(f"{name}.weight", weight.values),
            self.constant(f"{name}.scale", weight.scale),
            self.constant(f"{name}.zero", weight.zero),
        ]
        if bias is not None:
            inputs.append(self.constant(f"{name}.bias", bias))
        return self.node("DynamicQuantizeMatMul", x, *inputs, output=name, domain=_CONTRIB)


def _joined(parts: list[Weight]) -> Weight:
    return Weight(
        np.concatenate([part.values for part in parts], axis=1),
        np.concatenate([part.scale for part in parts]),
        np.concatenate([part.zero for part in parts]),
    )


def _embedded(source: Constants, out: Writer, epsilon: float) -> str:
    out.constant("last", np.array([-1], np.int64))
    word = out.node("Gather", out.constant("word", source.array("word.weight_quantized")), "ids", output="word.ids")
    scale = out.constant("word.scale", source.array("word.weight_scale"))
    zero = out.constant("word.zero", source.array("word.weight_zero_point"))
    word = out.node("DequantizeLinear", word, scale, zero, output="word.float")
    places = out.constant("places", source.array("pos.weight") + source.array("typ"))
    length = out.node("Shape", "ids", output="length", start=1, end=2)
    begin, axis = out.constant("begin", np.array([0], np.int64)), out.constant("axis", np.array([0], np.int64))
    place = out.node("Slice", places, begin, length, axis, output="place")
    x = out.node("Add", word, place, output="embedded.sum")
    return _normalised(source, out, x, "eln", epsilon)


def _normalised(source: Constants, out: Writer, x: str, name: str, epsilon: float, *, into: str | None = None) -> str:
    """`x` normalised, and divided by what the inputs of the layer `into` are smoothed with."""
    gains, shifts = (np.asarray(source.array(f"{name}.{part}"), np.float32) for part in ("weight", "bias"))
    by = source.smoothing(into) if into else None
    gain = out.constant(f"{name}.gain", gains if by is None else gains / by)
    shift = out.constant(f"{name}.shift", shifts if by is None else shifts / by)
    # Written out: the runtime's own operator adds up one number after the other, and takes two to three times as long.
    mean = out.node("ReduceMean", x, "last", output=f"{name}.mean", keepdims=1)
    away = out.node("Sub", x, mean, output=f"{name}.away")
    square = out.node("Mul", away, away, output=f"{name}.square")
    variance = out.node("ReduceMean", square, "last", output=f"{name}.variance", keepdims=1)
    some = out.node("Add", variance, out.constant(f"{name}.epsilon", np.array(epsilon, np.float32)), output=f"{name}.some")
    scale = out.node("Reciprocal", out.node("Sqrt", some, output=f"{name}.deviation"), output=f"{name}.inverse")
    even = out.node("Mul", away, scale, output=f"{name}.even")
    return out.node("Add", out.node("Mul", even, gain, output=f"{name}.scaled"), shift, output=name)


def _restored(source: Constants, out: Writer, x: str, layer: str) -> str:
    """`x` as it was before it was smoothed for a layer."""
    by = source.smoothing(layer)
    if by is None:
        return x
    name = layer.strip("/").replace("/", ".")
    return out.node("Mul", x, out.constant(f"{name}.smooth", by), output=f"{name}.restored")


def _layer(source: Constants, out: Writer, x: str, index: int, epsilon: float) -> str:
    name, path = f"layers.{index}", f"/layers.{index}"
    heads = _joined([source.weight(f"{path}/{part}") for part in "qkv"])
    bias = np.concatenate([source.array(f"{name}.{part}.bias") for part in "qkv"])
    joined = out.linear(x, f"{name}.qkv", heads, bias)
    parts = [f"{name}.q", f"{name}.k", f"{name}.v"]
    out.nodes.append(helper.make_node("Split", [joined], parts, name=f"{name}.split", axis=2, num_outputs=3))
    context = out.node("MultiHeadAttention", *parts, output=f"{name}.context", domain=_CONTRIB, num_heads=_HEADS)
    attended = out.linear(context, f"{name}.ao", source.weight(f"{path}/ao"), source.array(f"{name}.ao.bias"))
    x = out.node("Add", x, attended, output=f"{name}.ao.sum")
    x = _normalised(source, out, x, f"{name}.aln", epsilon, into=f"{path}/fi")
    inner = out.linear(x, f"{name}.fi", source.weight(f"{path}/fi"), source.array(f"{name}.fi.bias"))
    inner = out.node("Gelu", inner, output=f"{name}.gelu", domain=_CONTRIB)
    by = source.smoothing(f"{path}/fo")
    if by is not None:
        inner = out.node("Mul", inner, out.constant(f"{name}.fo.smooth", 1 / by), output=f"{name}.smoothed")
    outer = out.linear(inner, f"{name}.fo", source.weight(f"{path}/fo"), source.array(f"{name}.fo.bias"))
    x = out.node("Add", _restored(source, out, x, f"{path}/fi"), outer, output=f"{name}.fo.sum")
    return _normalised(source, out, x, f"{name}.oln", epsilon)


def rewrite(source: Constants, *, layers: int = _LAYERS) -> onnx.ModelProto:
    """Ids (windows by pieces, nothing padded) to logits (windows by pieces by labels)."""
    out = Writer()
    epsilon = source.epsilon
    x = _embedded(source, out, epsilon)
    for index in range(layers):
        x = _layer(source, out, x, index, epsilon)
    weight = source.weight("/head")
    logits = out.linear(x, "logits", weight, source.array("head.bias"))
    ids = helper.make_tensor_value_info("ids", TensorProto.INT64, ["windows", "pieces"])
    scores = helper.make_tensor_value_info(logits, TensorProto.FLOAT, ["windows", "pieces", len(weight.scale)])
    graph = helper.make_graph(out.nodes, "entities", [ids], [scores], out.constants)
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18), helper.make_opsetid(_CONTRIB, 1)], ir_version=8)
