# SPDX-License-Identifier: LGPL-2.1-or-later
"""Writes LiteRT files operator by operator. Needs PyPI's ai-edge-litert."""
import flatbuffers
import numpy as np
from ai_edge_litert import schema_py_generated as schema

TYPES = {
    "float32": schema.TensorType.FLOAT32,
    "float16": schema.TensorType.FLOAT16,
    "int32": schema.TensorType.INT32,
    "uint8": schema.TensorType.UINT8,
    "int64": schema.TensorType.INT64,
    "bool": schema.TensorType.BOOL,
    "int8": schema.TensorType.INT8,
    "int16": schema.TensorType.INT16,
}

# Of operators that began with another one than 1.
VERSIONS = {"BROADCAST_TO": 2}


class File:
    """One network. Tensors are numbers; operators return those of their
    outputs."""

    def __init__(self):
        self.buffers = [schema.BufferT()]
        self.tensors, self.operators, self.codes = [], [], []
        self.inputs, self.outputs, self.metadata = [], [], []

    def tensor(self, name, shape, dtype="float32", data=None, **more):
        """more: scale, zero, axis, signature, sparsity."""
        t = schema.TensorT()
        t.name, t.type, t.buffer = name, TYPES[str(dtype)], 0
        t.shape = [max(int(n), 1) for n in shape]
        if -1 in shape:
            t.shapeSignature = [int(n) for n in shape]
        t.sparsity = more.get("sparsity")
        if data is not None:
            buffer = schema.BufferT()
            buffer.data = np.frombuffer(
                np.ascontiguousarray(data).tobytes(), np.uint8
            )
            t.buffer = len(self.buffers)
            self.buffers.append(buffer)
        if "scale" in more:
            q = schema.QuantizationParametersT()
            q.scale = np.atleast_1d(np.float32(more["scale"]))
            q.zeroPoint = np.broadcast_to(
                np.int64(more.get("zero", 0)), q.scale.shape
            )
            q.quantizedDimension = more.get("axis", 0)
            t.quantization = q
        self.tensors.append(t)
        return len(self.tensors) - 1

    def input(self, name, shape, dtype="float32", **more):
        self.inputs.append(self.tensor(name, shape, dtype, **more))
        return self.inputs[-1]

    def constant(self, data, name=None, **more):
        data = np.asarray(data)
        name = name or "constant %d" % len(self.tensors)
        return self.tensor(name, data.shape, data.dtype, data, **more)

    def code(self, kind):
        if kind not in self.codes:
            self.codes.append(kind)
        return self.codes.index(kind)

    def add(self, kind, inputs, outputs, options=None, custom=None, **fields):
        """kind: a builtin name or, in lower case letters, a custom one.
        outputs: numbers of tensors; options: the name of their table."""
        op = schema.OperatorT()
        op.opcodeIndex = self.code(kind)
        op.inputs, op.outputs = inputs, outputs
        if options:
            op.builtinOptions = getattr(schema, options + "T")()
            op.builtinOptionsType = getattr(schema.BuiltinOptions, options)
            for key, value in fields.items():
                assert hasattr(op.builtinOptions, key), key
                setattr(op.builtinOptions, key, value)
        if custom is not None:
            op.customOptions = np.frombuffer(custom, np.uint8)
        self.operators.append(op)
        return outputs[0] if len(outputs) == 1 else outputs

    def describe(self, data):
        entry, buffer = schema.MetadataT(), schema.BufferT()
        entry.name, entry.buffer = "TFLITE_METADATA", len(self.buffers)
        buffer.data = np.frombuffer(data, np.uint8)
        self.buffers.append(buffer)
        self.metadata.append(entry)

    def output(self, *tensors):
        self.outputs += tensors

    def bytes(self):
        graph = schema.SubGraphT()
        graph.tensors, graph.operators = self.tensors, self.operators
        graph.inputs, graph.outputs = self.inputs, self.outputs
        model = schema.ModelT()
        model.version, model.subgraphs = 3, [graph]
        model.buffers, model.operatorCodes = self.buffers, []
        model.metadata = self.metadata or None
        for kind in self.codes:
            code = schema.OperatorCodeT()
            number = getattr(schema.BuiltinOperator, kind, None)
            if number is None:
                number = schema.BuiltinOperator.CUSTOM
                code.customCode = kind
            code.builtinCode = number
            code.deprecatedBuiltinCode = min(number, 127)
            code.version = VERSIONS.get(kind, 1)
            model.operatorCodes.append(code)
        builder = flatbuffers.Builder(1024)
        builder.Finish(model.Pack(builder), b"TFL3")
        return bytes(builder.Output())
