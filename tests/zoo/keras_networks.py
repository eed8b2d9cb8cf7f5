# SPDX-License-Identifier: LGPL-2.1-or-later
"""Makes the zoo's files of Keras 3, which exports by torch. Its networks are
NHWC and end in a softmax, as in Keras's own examples.

    keras_networks.py FOLDER keras NAME…
    keras_networks.py --list
"""
import os
import sys

sys.dont_write_bytecode = True
os.environ["KERAS_BACKEND"] = "torch"
os.environ["CUDA_VISIBLE_DEVICES"] = ""
HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "networks"))

SIZE, CLASSES = 128, 4


def example_unet():
    """The U-Net of Keras's example of segmentation: separable convolutions and
    residual connections."""
    from keras import Input, Model, layers

    x = inputs = Input((SIZE, SIZE, 3))
    x = layers.Conv2D(16, 3, strides=2, padding="same")(x)
    x = layers.Activation("relu")(layers.BatchNormalization()(x))
    for kind, widths in (
        ("down", (32, 64, 96)),
        ("up", (96, 64, 32, 16)),
    ):
        conv = layers.SeparableConv2D if kind == "down" else None
        conv = conv or layers.Conv2DTranspose
        before = x
        for n in widths:
            for _ in range(2):
                x = layers.Activation("relu")(x)
                x = conv(n, 3, padding="same")(x)
                x = layers.BatchNormalization()(x)
            if kind == "down":
                x = layers.MaxPooling2D(3, strides=2, padding="same")(x)
                before = layers.Conv2D(n, 1, strides=2)(before)
            else:
                x = layers.UpSampling2D(2)(x)
                before = layers.UpSampling2D(2)(before)
                before = layers.Conv2D(n, 1)(before)
            before = x = layers.add([x, before])
    x = layers.Conv2D(CLASSES, 3, activation="softmax", padding="same")(x)
    return Model(inputs, x)


def classic_unet():
    """The U-Net of most tutorials: transposed convolutions and concatenation."""
    from keras import Input, Model, layers

    def block(x, n):
        for _ in range(2):
            x = layers.Conv2D(n, 3, padding="same")(x)
            x = layers.ReLU()(layers.BatchNormalization()(x))
        return x

    x = inputs = Input((SIZE, SIZE, 3))
    skips = []
    for n in (16, 32, 64):
        skips.append(block(x, n))
        x = layers.MaxPooling2D()(skips[-1])
    x = block(x, 96)
    for n, skip in zip((64, 32, 16), skips[::-1]):
        x = layers.Conv2DTranspose(n, 2, strides=2)(x)
        x = block(layers.concatenate([x, skip]), n)
    x = layers.Conv2D(CLASSES, 1, activation="softmax")(x)
    return Model(inputs, x)


def application_unet(name, names):
    """A U-Net over one of Keras's applications, as TensorFlow's tutorial."""

    def make():
        import keras
        from keras import layers

        options = {"weights": None, "include_top": False}
        base = getattr(keras.applications, name)(
            input_shape=(SIZE, SIZE, 3), **options
        )
        skips = [base.get_layer(n).output for n in names]
        x = skips.pop()
        for n in (96, 64, 48, 32)[: len(skips)]:
            x = layers.Conv2DTranspose(n, 3, strides=2, padding="same")(x)
            x = layers.ReLU()(layers.BatchNormalization()(x))
            x = layers.Concatenate()([x, skips.pop()])
        x = layers.Conv2DTranspose(CLASSES, 3, strides=2, padding="same")(x)
        return keras.Model(base.input, layers.Softmax()(x))

    return make


def deeplab():
    """DeepLabV3+ of Keras's example, over few channels."""
    from keras import Input, Model, layers

    def conv(x, n, k=3, **options):
        x = layers.Conv2D(n, k, padding="same", use_bias=False, **options)(x)
        return layers.ReLU()(layers.BatchNormalization()(x))

    x = inputs = Input((SIZE, SIZE, 3))
    low = conv(conv(x, 16, strides=2), 24, strides=2)
    deep = conv(conv(low, 48, strides=2), 64, strides=2)
    side = SIZE // 16
    pooled = layers.AveragePooling2D(side)(deep)
    pooled = layers.UpSampling2D(side, interpolation="bilinear")(
        conv(pooled, 32, 1)
    )
    parts = [pooled, conv(deep, 32, 1)]
    parts += [conv(deep, 32, dilation_rate=rate) for rate in (6, 12, 18)]
    x = conv(layers.Concatenate()(parts), 32, 1)
    x = layers.UpSampling2D(4, interpolation="bilinear")(x)
    x = conv(layers.Concatenate()([x, conv(low, 16, 1)]), 32)
    x = layers.UpSampling2D(4, interpolation="bilinear")(x)
    return Model(inputs, layers.Conv2D(CLASSES, 1)(x))


NETWORKS = {
    "keras-example-unet": example_unet,
    "keras-classic-unet": classic_unet,
    "keras-deeplabv3plus": deeplab,
    "keras-mobilenetv2-unet": application_unet(
        "MobileNetV2",
        (
            "block_1_expand_relu",
            "block_3_expand_relu",
            "block_6_expand_relu",
            "block_13_expand_relu",
            "block_16_project",
        ),
    ),
    "keras-efficientnetb0-unet": application_unet(
        "EfficientNetB0",
        (
            "block2a_expand_activation",
            "block3a_expand_activation",
            "block4a_expand_activation",
            "block6a_expand_activation",
            "top_activation",
        ),
    ),
}


def settle(model):
    """Sets weights at random, statistics from pictures, and logits whose
    standard deviation is 2."""
    import keras
    import numpy as np
    import networks

    rng = np.random.RandomState(3)
    batch = np.stack(
        [networks.maker.picture(3, SIZE, SIZE, 7 + i) for i in range(4)]
    ).transpose(0, 2, 3, 1)
    for layer in model.layers:
        if isinstance(layer, keras.layers.BatchNormalization):
            n = layer.gamma.shape[0]
            layer.gamma.assign(rng.uniform(0.8, 1.3, n))
            layer.beta.assign(rng.normal(0.2, 0.2, n))
            layer.momentum = 0.0
    model(batch, training=True)
    last = [m for m in model.layers if hasattr(m, "kernel")][-1]
    inner = keras.Model(model.input, last.output)
    activation, last.activation = last.activation, keras.activations.linear
    y = keras.ops.convert_to_numpy(inner(batch[:1]))
    factor = 2 / y.std()
    last.kernel.assign(last.kernel * factor)
    last.bias.assign((last.bias - y.mean((0, 1, 2))) * factor)
    last.activation = activation


def main():
    if sys.argv[1:] == ["--list"]:
        print("\n".join(NETWORKS))
        return
    folder, way, names = sys.argv[1], sys.argv[2], sys.argv[3:]
    import keras

    keras.utils.set_random_seed(5)
    for name in names or NETWORKS:
        path = os.path.join(folder, name + "@" + way)
        if os.path.exists(path + ".onnx"):
            continue
        try:
            model = NETWORKS[name]()
            settle(model)
            model.export(path + ".part", format="onnx", verbose=False)
            os.replace(path + ".part", path + ".onnx")
        except Exception as error:  # exporters raise many kinds
            with open(path + ".txt", "w", encoding="utf-8") as f:
                f.write("%s: %s\n" % (type(error).__name__, error))


if __name__ == "__main__":
    main()
