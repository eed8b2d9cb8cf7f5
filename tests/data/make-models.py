#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Makes the models of the element's tests: networks so small that the mask of
a picture is known beforehand, and files that are no models.

    make-models.py [FOLDER]

Their output is committed; run this after a change here. Needs Debian's
python3-onnx and python3-numpy.

red          3x32x32 RGB; sigmoid inside: foreground where red is over half
red-dynamic  the same for any size
red-padded   the same, any size, but both sides must be multiples of 4
red-nhwc     the same in NHWC, 32x32
red-wide     the same, 64 wide and 16 high
classes      any size; logits of background, red, green and blue, with labels
valid        3x36x36, two 3x3 convolutions without borders: 32x32 out
gated        3x48x32, portrait: as red, but nothing in the lower right corner
unet-valid   any multiple of 4 from 40 on, grey; two levels of valid convolutions
             with cropped skips and random weights: 28 pixels fewer out
unet-same    any multiple of 4: the same with same-padded convolutions
picky        any size on paper, reshaped to 1x1x32x32 inside
shape        a convolution whose weights do not fit its input
strange      an operator that nobody has
truncated    the first half of red
garbage      no ONNX at all
"""
import os
import sys

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

F32 = TensorProto.FLOAT
# So steep that any 8-bit sample but the threshold itself is sure.
GAIN = 1000.0


def as_tensor(w):
    """Shapes are integers, everything else is f32."""
    w = np.asarray(w)
    return w if w.dtype == np.int64 and w.ndim == 1 and w.size > 1 \
        else w.astype(np.float32)


def save(folder, name, nodes, inputs, outputs, weights, metadata=()):
    graph = helper.make_graph(
        nodes, name,
        [helper.make_tensor_value_info('input', F32, inputs)],
        [helper.make_tensor_value_info('output', F32, outputs)],
        [numpy_helper.from_array(as_tensor(w), n) for n, w in weights.items()])
    model = helper.make_model(
        graph, producer_name='unetseg tests',
        opset_imports=[helper.make_opsetid('', 13)])
    model.ir_version = 7
    helper.set_model_props(model, dict(metadata))
    with open(os.path.join(folder, name + '.onnx'), 'wb') as f:
        f.write(model.SerializeToString(deterministic=True))


def red_weights():
    w = np.zeros((1, 3, 1, 1))
    w[0, 0] = GAIN
    return {'w': w, 'b': [-GAIN / 2]}


def red_nodes():
    return [helper.make_node('Conv', ['input', 'w', 'b'], ['logit'],
                             'detect', kernel_shape=[1, 1]),
            helper.make_node('Sigmoid', ['logit'], ['output'], 'probability')]


def red(folder):
    for name, height, width in (('red', 32, 32), ('red-wide', 16, 64),
                                ('red-dynamic', 'height', 'width')):
        save(folder, name, red_nodes(), [1, 3, height, width],
             [1, 1, height, width], red_weights())
    save(folder, 'red-padded', red_nodes(), [1, 3, 'height', 'width'],
         [1, 1, 'height', 'width'], red_weights(),
         {'unetseg.multiple': '4'})


def red_nhwc(folder):
    nodes = [
        helper.make_node('Transpose', ['input'], ['nchw'], 'to_nchw',
                         perm=[0, 3, 1, 2]),
        helper.make_node('Conv', ['nchw', 'w', 'b'], ['logit'], 'detect',
                         kernel_shape=[1, 1]),
        helper.make_node('Sigmoid', ['logit'], ['probability'], 'probability'),
        helper.make_node('Transpose', ['probability'], ['output'], 'to_nhwc',
                         perm=[0, 2, 3, 1])]
    save(folder, 'red-nhwc', nodes, [1, 32, 32, 3], [1, 32, 32, 1],
         red_weights())


def classes(folder):
    w = np.zeros((4, 3, 1, 1))
    for i in range(3):
        w[i + 1, i] = GAIN
    nodes = [helper.make_node('Conv', ['input', 'w', 'b'], ['output'],
                              'detect', kernel_shape=[1, 1])]
    save(folder, 'classes', nodes, [1, 3, 'height', 'width'],
         [1, 4, 'height', 'width'], {'w': w, 'b': [GAIN / 2, 0, 0, 0]},
         {'unetseg.labels': 'background,red,green,blue'})


def valid(folder):
    first = np.zeros((3, 3, 3, 3))
    for i in range(3):
        first[i, i, 1, 1] = 1
    second = np.zeros((1, 3, 3, 3))
    second[0, 0, 1, 1] = GAIN
    nodes = [
        helper.make_node('Conv', ['input', 'w1'], ['middle'], 'first',
                         kernel_shape=[3, 3]),
        helper.make_node('Conv', ['middle', 'w2', 'b'], ['logit'], 'second',
                         kernel_shape=[3, 3]),
        helper.make_node('Sigmoid', ['logit'], ['output'], 'probability')]
    save(folder, 'valid', nodes, [1, 3, 36, 36], [1, 1, 32, 32],
         {'w1': first, 'w2': second, 'b': [-GAIN / 2]})


def gated(folder):
    gate = np.zeros((1, 1, 48, 32))
    gate[:, :, 24:, 8:] = -2 * GAIN
    nodes = red_nodes()
    nodes.insert(1, helper.make_node('Add', ['logit', 'gate'], ['gated'],
                                     'gate_it'))
    nodes[2].input[0] = 'gated'
    save(folder, 'gated', nodes, [1, 3, 48, 32], [1, 1, 48, 32],
         {**red_weights(), 'gate': gate})


def unet(folder, name, valid):
    """Two levels, 4 and 8 channels, as Ronneberger et al. have it."""
    rng = np.random.RandomState(1)
    weights, nodes = {}, []

    def node(op, inputs, out, **attrs):
        nodes.append(helper.make_node(op, inputs, [out], out, **attrs))
        return out

    def conv(x, out, ic, oc, k=3, act=True, gain=1.5):
        weights[out + '_w'] = rng.standard_normal((oc, ic, k, k)) \
            * np.sqrt(gain / (ic * k * k))
        weights[out + '_b'] = rng.standard_normal(oc) * .1
        pad = 0 if valid else k // 2
        y = node('Conv', [x, out + '_w', out + '_b'],
                 out if not act else out + '_c', kernel_shape=[k, k],
                 pads=[pad] * 4)
        return node('Relu', [y], out) if act else y

    def up(x, out, ic, oc):
        weights[out + '_w'] = rng.standard_normal((ic, oc, 2, 2)) \
            * np.sqrt(2 / ic)
        return node('ConvTranspose', [x, out + '_w'], out,
                    kernel_shape=[2, 2], strides=[2, 2])

    def crop(x, out, n):
        if not valid:
            return x
        for key, value in (('s', [n, n]), ('e', [-n, -n]), ('a', [2, 3])):
            weights[out + '_' + key] = np.array(value)
        return node('Slice', [x] + [out + '_' + k for k in 'sea'], out)

    a = conv(conv('input', 'a1', 1, 4), 'a2', 4, 4)
    b = conv(node('MaxPool', [a], 'p1', kernel_shape=[2, 2], strides=[2, 2]),
             'b1', 4, 8)
    b = conv(b, 'b2', 8, 8)
    c = conv(node('MaxPool', [b], 'p2', kernel_shape=[2, 2], strides=[2, 2]),
             'c1', 8, 8)
    x = up(c, 'u1', 8, 8)
    x = node('Concat', [crop(b, 'crop_b', 2), x], 'cat_b', axis=1)
    x = up(conv(x, 'd1', 16, 8), 'u2', 8, 4)
    x = node('Concat', [crop(a, 'crop_a', 10), x], 'cat_a', axis=1)
    x = conv(conv(x, 'e1', 8, 4), 'e2', 4, 4)
    conv(x, 'output', 4, 2, 1, False, 60)
    save(folder, name, nodes, [1, 1, 'height', 'width'],
         [1, 2, 'rows', 'columns'], weights,
         {'unetseg.multiple': '4'})


def broken(folder):
    nodes = [helper.make_node('Conv', ['input', 'w', 'b'], ['logit'],
                              'misfit', kernel_shape=[1, 1]),
             helper.make_node('Sigmoid', ['logit'], ['output'], 'last')]
    save(folder, 'shape', nodes, [1, 3, 32, 32], [1, 1, 32, 32],
         {'w': np.zeros((1, 5, 1, 1)), 'b': [0]})
    nodes = red_nodes()[:1] + [
        helper.make_node('Reshape', ['logit', 'square'], ['output'],
                         'reshape')]
    save(folder, 'picky', nodes, [1, 3, 'height', 'width'], [1, 1, 32, 32],
         {**red_weights(), 'square': np.array([1, 1, 32, 32])})
    nodes = [helper.make_node('Frobnicate', ['input'], ['output'], 'odd_one')]
    save(folder, 'strange', nodes, [1, 3, 32, 32], [1, 1, 32, 32], {})
    with open(os.path.join(folder, 'red.onnx'), 'rb') as f:
        data = f.read()
    with open(os.path.join(folder, 'truncated.onnx'), 'wb') as f:
        f.write(data[:len(data) // 2])
    with open(os.path.join(folder, 'garbage.onnx'), 'wb') as f:
        f.write(b'This is not a network.\n' * 20)


def main():
    folder = sys.argv[1] if len(sys.argv) > 1 else os.path.dirname(
        os.path.abspath(__file__))
    for make in (red, red_nhwc, classes, valid, gated, broken):
        make(folder)
    unet(folder, 'unet-valid', True)
    unet(folder, 'unet-same', False)


main()
