# SPDX-License-Identifier: LGPL-2.1-or-later
"""Makes small networks with Keras and TensorFlow's converter:
make-keras.py FOLDER

Run it with a Python that has PyPI's tensorflow and ai-edge-litert; the weights
are random. make-cases.py --results adds what LiteRT computes.
"""
import os
import sys

os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
import keras  # noqa: E402
import numpy as np  # noqa: E402
import tensorflow as tf  # noqa: E402
from keras import layers as L  # noqa: E402

WIDTHS, CLASSES = (8, 12, 16), 3


def block(x, width):
    for _ in range(2):
        x = L.Conv2D(width, 3, padding="same", use_bias=False)(x)
        x = L.ReLU()(L.BatchNormalization()(x))
    return x


def unet():
    x = start = L.Input((48, 64, 3))
    skips = []
    for width in WIDTHS[:-1]:
        skips.append(block(x, width))
        x = L.MaxPooling2D()(skips[-1])
    x = block(x, WIDTHS[-1])
    for width, skip in zip(WIDTHS[-2::-1], skips[::-1]):
        x = L.Conv2DTranspose(width, 3, strides=2, padding="same")(x)
        x = block(L.Concatenate()([x, skip]), width)
    return keras.Model(start, L.Conv2D(CLASSES, 1, activation="softmax")(x))


def dilated():
    """Dilated convolutions, which the converter cuts into phases."""
    x = start = L.Input((48, 64, 3))
    x = L.Conv2D(8, 3, strides=2, padding="same")(L.Rescaling(2, -1)(x))
    x = L.DepthwiseConv2D(3, strides=2)(L.ZeroPadding2D()(x))
    x = L.ReLU(6.0)(x)
    for rate in (2, 4):
        y = L.DepthwiseConv2D(3, padding="same", dilation_rate=rate)(x)
        y = L.PReLU(shared_axes=[1, 2])(L.BatchNormalization()(y))
        x = L.Add()([x, L.Conv2D(8, 1)(y)])
    gate = L.GlobalAveragePooling2D(keepdims=True)(x)
    x = L.Multiply()([x, L.Conv2D(8, 1, activation="sigmoid")(gate)])
    x = L.UpSampling2D(4, interpolation="bilinear")(L.Conv2D(1, 1)(x))
    return keras.Model(start, L.Activation("sigmoid")(x))


def attention():
    x = start = L.Input((32, 32, 3))
    x = L.Reshape((64, 16))(L.Conv2D(16, 4, strides=4)(x))
    y = L.LayerNormalization()(x)
    x = L.Add()([x, L.MultiHeadAttention(2, 8)(y, y)])
    x = L.Reshape((8, 8, 16))(L.Dense(16, activation="gelu")(x))
    x = L.Conv2D(2, 3, padding="same")(L.UpSampling2D(4)(x))
    return keras.Model(start, x)


def spread(model):
    """Statistics of a trained network are not those of a new one."""
    random = np.random.default_rng(1)
    for layer in model.layers:
        if isinstance(layer, L.BatchNormalization):
            layer.set_weights(
                [
                    np.abs(random.normal(1 if i in (0, 3) else 0, 0.2, w.shape))
                    for i, w in enumerate(layer.get_weights())
                ]
            )
    return model


def pictures(shape):
    for seed in range(8):
        random = np.random.default_rng(seed)
        yield [random.uniform(0, 1, (1, *shape)).astype(np.float32)]


def convert(model, way):
    converter = tf.lite.TFLiteConverter.from_keras_model(model)
    if way != "f32":
        converter.optimizations = [tf.lite.Optimize.DEFAULT]
    if way == "f16":
        converter.target_spec.supported_types = [tf.float16]
    if way == "int8":
        converter.representative_dataset = lambda: pictures(
            model.input_shape[1:]
        )
        ops = [tf.lite.OpsSet.TFLITE_BUILTINS_INT8]
        converter.target_spec.supported_ops = ops
        converter.inference_input_type = tf.uint8
        converter.inference_output_type = tf.uint8
    return converter.convert()


def main():
    keras.utils.set_random_seed(3)
    for maker, way in ((unet, "int8"), (dilated, "f16"), (attention, "f32")):
        name = "keras-%s-%s.tflite" % (maker.__name__, way)
        with open(os.path.join(sys.argv[1], name), "wb") as f:
            f.write(convert(spread(maker()), way))


if __name__ == "__main__":
    main()
