# SPDX-License-Identifier: LGPL-2.1-or-later
"""Imports torch and its companions for the zoo.

PyPI's torchvision is built for CUDA and cannot load its library beside a torch
for the CPU. Its Python modules then ask for two operators that no segmentation
network uses, so this module declares them."""
import warnings

import torch

warnings.filterwarnings("ignore")
# The fast path of transformers is one operator, which no exporter knows.
torch.backends.mha.set_fastpath_enabled(False)
try:
    import torchvision  # noqa: F401
except (RuntimeError, AttributeError):
    LIBRARY = torch.library.Library("torchvision", "DEF")
    for name in ("nms", "qnms"):
        LIBRARY.define(
            name + "(Tensor dets, Tensor scores, float iou_threshold) -> Tensor"
        )
    import torchvision  # noqa: F401
