# SPDX-License-Identifier: LGPL-2.1-or-later
"""Exports torch networks to ONNX with both of torch's exporters."""
import contextlib
import io
import logging
import os

import torch

# The name of a way to export, whether torch.export takes part, and the opset.
# TorchScript's exporter ends at opset 20.
WAYS = {
    "script13": (False, 13),
    "script17": (False, 17),
    "script20": (False, 20),
    "dynamo18": (True, 18),
    "dynamo23": (True, 23),
}
INPUT, OUTPUT = "image", "mask"


def export(network, example, path, way, open_size=False):
    """Writes one file. With open_size its height and width are open."""
    dynamo, opset = WAYS[way]
    options = {}
    if open_size and dynamo:
        dim = torch.export.Dim
        options["dynamic_shapes"] = ({2: dim.DYNAMIC, 3: dim.DYNAMIC},)
    elif open_size:
        options["dynamic_axes"] = {
            INPUT: {2: "height", 3: "width"},
            OUTPUT: {2: "height", 3: "width"},
        }
    logging.disable(logging.WARNING)
    part = path + ".part"
    # The exporters print their progress.
    with contextlib.redirect_stdout(io.StringIO()), torch.no_grad():
        torch.onnx.export(
            network,
            (example,),
            part,
            dynamo=dynamo,
            opset_version=opset,
            input_names=[INPUT],
            output_names=[OUTPUT],
            **({"external_data": False} if dynamo else {}),
            **options,
        )
    logging.disable(logging.NOTSET)
    os.replace(part, path)
