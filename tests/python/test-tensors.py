#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Tests sessions, models and contracts in Python. Prints TAP."""
import gc
import os
import subprocess
import sys

sys.dont_write_bytecode = True
HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "lib"))
import tap  # noqa: E402
from introspection import Gio, GLib, Unetseg, model, still  # noqa: E402
import numpy as np  # noqa: E402


def open_session(name, width, height):
    network = Unetseg.Model.load(model(name))
    contract = network.get_contract(None)
    return Unetseg.Session.new_for_size(
        network, contract, width, height, still()
    )


def half_red(shape):
    """A picture whose left half is red, and its mask."""
    picture = np.zeros(shape, np.float32)
    picture[0, 0, :, : shape[3] // 2] = 1
    return picture, picture[:, :1]


def bytes_go_in_and_out():
    """Tensors go in and out as GLib.Bytes"""
    session = open_session("red", 32, 32)
    picture, wanted = half_red((1, 3, 32, 32))
    assert session.set_input(0, GLib.Bytes.new(picture.tobytes()))
    assert session.run()
    found = session.dup_output(0)
    assert found.get_data() == wanted.tobytes()
    session.set_input(0, GLib.Bytes.new(bytes(picture.nbytes)))
    session.run()
    assert found.get_data() == wanted.tobytes()
    assert not any(session.dup_output(0).get_data())


PLAIN = """
import sys
import gi
gi.require_version("GstVideo", "1.0")
gi.require_version("Unetseg", "1.0")
sys.modules["gi.overrides.Unetseg"] = None  # as where it is not installed
from gi.repository import GLib, GstVideo, Unetseg
model = Unetseg.Model.load(sys.argv[1])
assert type(model).__module__ == "gi.repository.Unetseg", type(model)
options = Unetseg.SessionOptions()
assert options.tuning == Unetseg.Tuning.MEASURE
contract = model.get_contract(None)
session = Unetseg.Session.new_for_size(model, contract, 32, 32, options)
session.set_input(0, GLib.Bytes.new(bytes(3 * 32 * 32 * 4)))
session.run()
assert session.dup_output(0).get_data() == bytes(32 * 32 * 4)
self = Unetseg.Segmentation.new(model, {"invert": "true"}, options)
white = GLib.Bytes.new(bytes([255]) * (64 * 48 * 3))
mask = self.run_bytes(white, GstVideo.VideoFormat.RGB, 64, 48, 64 * 3)
assert mask.get_class_map().get_data() == bytes(32 * 32)
assert mask.draw(64, 48, 0.5).get_data() == bytes(64 * 48)
print(mask.get_classes().get_label(1), mask.get_rectangle())
"""


def without_override():
    """Introspection alone reaches tensors and masks"""
    done = subprocess.run(
        [sys.executable, "-c", PLAIN, model("red")],
        text=True,
        capture_output=True,
        timeout=100,
    )
    assert done.returncode == 0 and not done.stderr, done.stderr
    assert done.stdout.startswith("foreground (x=0.0, y=0.0, "), done.stdout


def wrong_bytes():
    """Bytes of another size raise UNET_ERROR_SHAPE"""
    session = open_session("red", 32, 32)
    for size in (0, 3 * 32 * 32 * 4 - 4, 3 * 32 * 32 * 4 + 4):
        try:
            session.set_input(0, GLib.Bytes.new(bytes(size)))
            assert False, size
        except GLib.Error as error:
            assert error.matches(
                Unetseg.error_quark(), Unetseg.Error.SHAPE
            ), error


def arrays_share_memory():
    """Arrays lie in the memory of the session, and hold it"""
    session = open_session("red-dynamic", 48, 32)
    picture, wanted = half_red((1, 3, 32, 48))
    memory, output = session.input(), session.output()
    assert memory.shape == picture.shape and memory.dtype == np.float32
    assert memory.ctypes.data == session.get_input_data(0)
    assert output.ctypes.data == session.get_output_data(0)
    memory[...] = picture
    session.run()
    assert np.array_equal(output, wanted)
    memory[...] = 0
    session.run()
    assert not output.any()
    try:
        output[...] = 1
        assert False, "an output could be written"
    except ValueError:
        pass
    memory[...] = picture
    del session
    gc.collect()
    others = [open_session("red-dynamic", 48, 32) for _ in range(4)]
    for other in others:
        other.input()[...] = 7
    assert np.array_equal(memory, picture)


def infer():
    """infer() runs over arrays and returns copies"""
    session = open_session("red", 32, 32)
    picture, wanted = half_red((1, 3, 32, 32))
    (first,) = session.infer(picture)
    (second,) = session.infer(np.zeros_like(picture))
    assert np.array_equal(first, wanted) and not second.any()
    for shape in ((3, 32, 32), (1, 3, 32, 33), (1, 1, 32, 32)):
        try:
            session.infer(np.zeros(shape, np.float32))
            assert False, shape
        except ValueError as error:
            assert "(1, 3, 32, 32)" in str(error), error


def several_tensors():
    """Recurrent networks have inputs and outputs of several shapes"""
    network = Unetseg.Model.load(model("memory"))
    assert network.get_input(1).name == "s_in"
    assert network.get_input(0).shape == (1, 3, -1, -1)
    session = Unetseg.Session.new_for_shapes(
        network, {"input": (1, 3, 8, 16), "s_in": (1, 1, 8, 16)}, still()
    )
    assert session.get_input_info(1).shape == (1, 1, 8, 16)
    picture, wanted = half_red((1, 3, 8, 16))
    state = np.zeros((1, 1, 8, 16), np.float32)
    _, state = session.infer(picture, state)
    output, _ = session.infer(np.zeros_like(picture), state)
    assert np.array_equal(output, wanted)


def owners():
    """What a session or model returns outlives the variable of its owner"""
    info = Unetseg.Model.load(model("classes")).get_output(0)
    layers = open_session("red", 32, 32).get_layers()
    network = open_session("red", 32, 32).get_model()
    gc.collect()
    [open_session("red-dynamic", 32, 32) for _ in range(4)]
    assert info.name == "output" and len(info.shape) == 4, info
    assert "red.onnx" in network.get_name()
    assert all(layer.kind in ("compute", "reorder", "copy") for layer in layers)


def options():
    """SessionOptions () are those of C's initialiser"""
    defaults = Unetseg.SessionOptions()
    assert defaults.threads == 0 and not defaults.profile
    assert defaults.precision == Unetseg.Precision.AUTO
    assert defaults.tuning == Unetseg.Tuning.MEASURE
    assert still().threads == 1
    assert still().tuning == Unetseg.Tuning.STATIC
    network = Unetseg.Model.load(None)
    options = Unetseg.SessionOptions(
        calibration=network.get_calibration(),
        precision=Unetseg.Precision.INT8,
        tuning=Unetseg.Tuning.STATIC,
    )
    session = Unetseg.Session.new_for_size(
        network, network.get_contract(None), 64, 64, options
    )
    assert session.get_precision() == Unetseg.Precision.INT8
    cancelled = Unetseg.SessionOptions(cancellable=Gio.Cancellable())
    cancelled.cancellable.cancel()
    try:
        Unetseg.Session.new_for_size(
            network, network.get_contract(None), 64, 64, cancelled
        )
        assert False, "a creation that was cancelled"
    except GLib.Error as error:
        assert error.matches(
            Gio.io_error_quark(), Gio.IOErrorEnum.CANCELLED
        ), error
    try:
        Unetseg.SessionOptions(thread=2)
        assert False, "a field that does not exist was set"
    except TypeError as error:
        assert "thread" in str(error)


def contracts():
    """Contracts and labels are read, and overridden by a dictionary"""
    network = Unetseg.Model.load(model("classes"))
    contract = network.get_contract({"mean": "0.5,0.25,0.125", "fit": "crop"})
    assert contract.mean == [0.5, 0.25, 0.125], contract.mean
    assert contract.fit == Unetseg.Fit.CROP
    assert contract.labels == ["background", "red", "green", "blue"]
    assert contract.set("std", "2")
    assert contract.std == [2, 2, 2]
    try:
        network.get_contract({"mean": "many"})
        assert False, "a mean of words"
    except GLib.Error as error:
        assert error.matches(Unetseg.error_quark(), Unetseg.Error.CONTRACT)


if __name__ == "__main__":
    results = tap.Tap()
    for case in (
        bytes_go_in_and_out,
        without_override,
        wrong_bytes,
        arrays_share_memory,
        infer,
        several_tensors,
        owners,
        options,
        contracts,
    ):
        results.case(case)
    sys.exit(results.done())
