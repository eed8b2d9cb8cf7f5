# SPDX-License-Identifier: LGPL-2.1-or-later
"""Makes the small networks in tests/data/zoo, which the test `agreement` runs
on every machine. Run it with the Python of the zoo's environment:

    keep.py FOLDER
"""
import os
import sys

sys.dont_write_bytecode = True
HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, HERE)
import onnx  # noqa: E402
import torch  # noqa: E402
import catalog  # noqa: E402
import export  # noqa: E402
import own_networks  # noqa: E402
import weights  # noqa: E402

SIDE, CLASSES, WIDTHS = 64, 3, [4, 8, 12]
LIMIT = 200_000  # bytes of a file


def segformer():
    import transformers as t
    import package_networks

    config = t.SegformerConfig(
        num_labels=CLASSES,
        depths=[1, 1, 1, 1],
        hidden_sizes=[4, 8, 12, 16],
        num_attention_heads=[1, 2, 2, 4],
        decoder_hidden_size=12,
    )
    return package_networks.Enlarged(t.SegformerForSemanticSegmentation(config))


def strip(path):
    """Removes what the exporter tells of Python's sources."""
    model = onnx.load(path)
    del model.graph.metadata_props[:]
    for thing in [*model.graph.node, *model.graph.value_info]:
        del thing.metadata_props[:]
        thing.doc_string = ""
    for function in model.functions:
        del function.metadata_props[:]
        for node in function.node:
            del node.metadata_props[:]
    onnx.save(model, path)


def main():
    torch.set_num_threads(1)
    folder = sys.argv[1]
    os.makedirs(folder, exist_ok=True)
    own, both = own_networks, ("script17", "dynamo23")
    makers = {
        "attention-unet": (lambda: own.AttentionUnet(CLASSES, WIDTHS), both),
        "transunet": (lambda: own.TransUnet(CLASSES, WIDTHS, SIDE), both[:1]),
        "unet-3plus": (lambda: own.FullScaleUnet(CLASSES, WIDTHS, 4), both[1:]),
        "segformer": (segformer, both[:1]),
    }
    for name, (make, ways) in makers.items():
        network = make()
        pictures = catalog.pictures(4, SIDE)
        weights.settle(network, pictures)
        for way in ways:
            path = os.path.join(folder, "%s-%s.onnx" % (name, way))
            export.export(network, pictures[:1], path, way)
            strip(path)
            size = os.path.getsize(path)
            assert size <= LIMIT, (path, size)
            print(path, size)


if __name__ == "__main__":
    main()
