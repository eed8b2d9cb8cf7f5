# SPDX-License-Identifier: LGPL-2.1-or-later
"""What gi.repository.Unetseg has beyond introspection: NumPy arrays.

    import gi
    gi.require_version("Unetseg", "1.0")
    from gi.repository import Unetseg

    mask = Unetseg.Segmentation().segment(picture)  # H x W x 3, uint8
    mask.class_map, mask.probability, mask.labels

NumPy is imported by what returns or takes an array; the rest works without."""
import itertools
import json

import gi

gi.require_version("GstVideo", "1.0")
from gi.module import get_introspection_module  # noqa: E402
from gi.overrides import override  # noqa: E402
from gi.repository import Gst, GstVideo  # noqa: E402

Unetseg = get_introspection_module("Unetseg")
__all__ = []

NUMPY_TYPES = {
    Unetseg.DType.F32: "f4",
    Unetseg.DType.F64: "f8",
    Unetseg.DType.F16: "f2",
    Unetseg.DType.I64: "i8",
    Unetseg.DType.I32: "i4",
    Unetseg.DType.U8: "u1",
    Unetseg.DType.I8: "i1",
    Unetseg.DType.BOOL: "b1",
}
# GStreamer's limit for frames, in pixels.
LONGEST_SIDE = 32767
# The format of a picture by its number of channels.
FORMATS = {1: "GRAY8", 3: "RGB", 4: "RGBA"}


def _override(cls):
    """Puts a class in the place of the introspected one of its name."""
    cls = override(cls)
    __all__.append(cls.__name__)
    return cls


def _function(function):
    """Adds a function to the namespace."""
    __all__.append(function.__name__)
    return function


# ---- tensors ----------------------------------------------------------------


def _shape(info):
    """The extents as a tuple; -1 where the model leaves one open."""
    return tuple(info.dims[: info.n_dims])


# PyGObject overrides no structure without a GType; it takes attributes.
Unetseg.TensorInfo.shape = property(_shape)


def _owned(owner, value):
    """A value that lies in the memory of its owner, and now keeps that."""
    if value is not None:
        value._owner = owner
    return value


@_override
class Model(Unetseg.Model):
    """A network as read from an ONNX file."""

    def get_input(self, index):
        return _owned(self, super().get_input(index))

    def get_output(self, index):
        return _owned(self, super().get_output(index))

    def get_calibration(self):
        return _owned(self, super().get_calibration())


class _Memory:
    """Memory of a session, as NumPy's array interface describes it. An array
    over it holds this object, and so the session."""

    def __init__(self, session, address, info, read_only):
        self.session = session
        self.__array_interface__ = {
            "version": 3,
            "shape": info.shape,
            "typestr": "|" + NUMPY_TYPES[info.dtype]
            if NUMPY_TYPES[info.dtype][1] == "1"
            else "=" + NUMPY_TYPES[info.dtype],
            "data": (address, read_only),
        }


@_override
class Session(Unetseg.Session):
    """A model compiled for one input size."""

    @classmethod
    def new_for_shapes(cls, model, shapes, options=None):
        """A session for inputs of any rank: shapes is a dictionary from the
        names of inputs whose size is open to tuples."""
        infos = []
        for name, shape in shapes.items():
            info = Unetseg.TensorInfo()
            info.name = name
            info.set_shape(shape)
            infos.append(info)
        return cls.new(model, infos, options)

    def get_model(self):
        return _owned(self, super().get_model())

    def get_input_info(self, index):
        return _owned(self, super().get_input_info(index))

    def get_output_info(self, index):
        return _owned(self, super().get_output_info(index))

    def get_layers(self):
        return [_owned(self, layer) for layer in super().get_layers()]

    def input(self, index=0):
        """The memory of an input as an array, without a copy. Write into it
        before run()."""
        import numpy

        return numpy.asarray(
            _Memory(
                self,
                self.get_input_data(index),
                self.get_input_info(index),
                False,
            )
        )

    def output(self, index=0):
        """The output of the last run as a read-only array, without a copy. The
        next run overwrites it: copy() what is to stay."""
        import numpy

        return numpy.asarray(
            _Memory(
                self,
                self.get_output_data(index),
                self.get_output_info(index),
                True,
            )
        )

    def infer(self, *inputs):
        """Writes the inputs in their order, runs the network, and returns a
        list of copies of all outputs. Arrays have exactly the inputs' shapes;
        inputs that are left out keep what they hold."""
        for index, value in enumerate(inputs):
            memory = self.input(index)
            if memory.shape != value.shape:
                raise ValueError(
                    "input %d takes %s, not %s"
                    % (index, memory.shape, value.shape)
                )
            memory[...] = value
        self.run()
        return [
            self.output(index).copy()
            for index in range(self.get_model().get_n_outputs())
        ]


@_override
class SessionOptions(Unetseg.SessionOptions):
    """How to compile and run a model."""

    def __new__(cls, calibration=None, **fields):
        """Takes fields by their names: SessionOptions(threads=2)."""
        self = Unetseg.SessionOptions.new()
        for name, value in fields.items():
            if not hasattr(self, name):
                raise TypeError("SessionOptions has no field '%s'" % name)
            setattr(self, name, value)
        self.set_calibration(calibration)
        # The options own neither the calibration nor the cancellable.
        self._kept = (calibration, fields)
        return self

    def __init__(self, *_args, **_fields):
        """Everything is done in __new__()."""


# ---- masks ------------------------------------------------------------------


@_override
class SegClasses(Unetseg.SegClasses):
    """The model that made a mask and the names of its classes."""

    @property
    def labels(self):
        """The names of the classes, the background first; None for a class
        without a name."""
        return [self.get_label(i) for i in range(self.get_n_classes())]


@_override
class SegMask(Unetseg.SegMask):
    """The mask of a picture, at the model's resolution. The arrays are
    read-only."""

    def get_classes(self):
        return _owned(self, super().get_classes())

    def _plane(self, data):
        import numpy

        plane = numpy.frombuffer(data.get_data() or b"", numpy.uint8)
        return plane.reshape(self.get_height(), self.get_width())

    @property
    def class_map(self):
        """The class of each pixel, 0 for the background: H x W, uint8."""
        return self._plane(self.get_class_map())

    @property
    def probability(self):
        """The probability of each pixel, 255 = 1: H x W, uint8."""
        return self._plane(self.get_probability())

    @property
    def labels(self):
        """The names of the classes, the background first."""
        return self.get_classes().labels

    @property
    def rectangle(self):
        """The part of the picture that the mask covers: x, y, width, height in
        pixels of the picture."""
        return tuple(self.get_rectangle())

    @property
    def age(self):
        """Nanoseconds since the frame that the mask was computed on; None
        where frames carry no timestamps."""
        age = self.get_age()[0]
        return None if age == Gst.CLOCK_TIME_NONE else age

    @property
    def age_frames(self):
        """Frames since the one that the mask was computed on."""
        return self.get_age()[1]

    @property
    def carried(self):
        """Whether the mask has been motion-compensated since."""
        return self.get_age()[2]

    def at_size(self, width, height, threshold=0.5):
        """The mask at the size of its picture: probabilities of the one class
        or, with several, class numbers: height x width, uint8."""
        import numpy

        if not (0 < width <= LONGEST_SIDE and 0 < height <= LONGEST_SIDE):
            raise ValueError("no picture has %dx%d" % (width, height))
        if not 0 <= threshold <= 1:
            raise ValueError("a threshold is 0 to 1, not %r" % threshold)
        drawn = self.draw(width, height, threshold)
        if drawn is None:
            raise MemoryError("a mask of %dx%d" % (width, height))
        plane = numpy.frombuffer(drawn.get_data(), numpy.uint8)
        return plane.reshape(height, width)


@_function
def read_masks(buffer):
    """All masks that elements attached to a Gst.Buffer: a list of SegMask."""
    masks = (Unetseg.SegMask.read(buffer, i) for i in itertools.count())
    return list(itertools.takewhile(lambda mask: mask is not None, masks))


# ---- pictures ---------------------------------------------------------------


def _as_text(value):
    """A field of a contract as modelinfo files have it."""
    if isinstance(value, (list, tuple)):
        return ",".join(_as_text(item) for item in value)
    return str(value).lower() if isinstance(value, bool) else str(value)


def _rows(picture):
    """The array with pixels and their channels side by side: itself where it
    is so, else a copy."""
    import numpy

    if picture.dtype != numpy.uint8 or picture.ndim not in (2, 3):
        raise TypeError("a picture is H x W or H x W x channels, of uint8")
    if 0 in picture.shape:
        raise ValueError("the picture has no pixels: %s" % (picture.shape,))
    inner = (picture.shape[2], 1) if picture.ndim == 3 else (1,)
    row = inner[0] * picture.shape[1]
    if picture.strides[1:] == inner and picture.strides[0] >= row:
        return picture
    return numpy.ascontiguousarray(picture)


@_override
class Segmentation(Unetseg.Segmentation):
    """The whole way from a picture to its mask."""

    # PyGObject makes the __doc__ of a class itself; help() shows that of its
    # methods.
    def __new__(cls, model=None, options=None, **contract):
        """Takes a Unetseg.Model, the path of an ONNX file, or None for the
        built-in network; SessionOptions; and fields of the contract, such as
        mean=(0.485, 0.456, 0.406) or fit="tile"."""
        if not isinstance(model, Unetseg.Model):
            model = Unetseg.Model.load(model)
        overrides = {
            key.replace("_", "-"): _as_text(value)
            for key, value in contract.items()
        }
        return Unetseg.Segmentation.new(model, overrides or None, options)

    def __init__(self, *_args, **_contract):
        """Everything is done in __new__()."""

    def get_model(self):
        return _owned(self, super().get_model())

    def get_contract(self):
        return _owned(self, super().get_contract())

    def segment(self, picture, format=None):
        """Returns the SegMask of a picture: a Gst.Sample, or an array of uint8
        that is H x W, H x W x 3 or H x W x 4. It is grey, RGB or RGBA, or of the
        format that is named, such as "BGR". Pixels are read where they lie;
        only an array whose pixels are not side by side is copied."""
        if isinstance(picture, Gst.Sample):
            return self.run_sample(picture)
        picture = _rows(picture)
        height, width = picture.shape[:2]
        channels = picture.shape[2] if picture.ndim == 3 else 1
        if format is None and channels not in FORMATS:
            raise ValueError("no format has %d channels" % channels)
        stride = picture.strides[0]
        return self.run_data(
            picture.ctypes.data,
            stride * (height - 1) + width * channels,
            GstVideo.VideoFormat.from_string(format or FORMATS[channels]),
            width,
            height,
            stride,
        )


# ---- batches ----------------------------------------------------------------


def _read_counts(text):
    """The run lengths of COCO's compressed form: rleFrString() of maskApi.c."""
    counts = []
    value = shift = 0
    for character in text:
        bits = ord(character) - 48
        value |= (bits & 0x1F) << shift
        shift += 5
        if bits & 0x20:
            continue
        if bits & 0x10:
            value -= 1 << shift
        if len(counts) > 2:
            value += counts[-2]
        counts.append(value)
        value = shift = 0
    return counts


@_function
def decode_rle(segmentation):
    """The mask of a COCO RLE, {"size": [rows, columns], "counts": ...}, whose
    counts are compressed or a list: rows x columns, bool."""
    import numpy

    rows, columns = segmentation["size"]
    counts = segmentation["counts"]
    if isinstance(counts, bytes):
        counts = counts.decode("ascii")
    if isinstance(counts, str):
        counts = _read_counts(counts)
    if min(counts, default=0) < 0 or sum(counts) != rows * columns:
        raise ValueError("the counts are not those of %dx%d" % (rows, columns))
    inside = numpy.arange(len(counts)) % 2 == 1
    return numpy.repeat(inside, counts).reshape(columns, rows).T


@_function
def read_results(path):
    """Yields the frames of a results.jsonl of `unetseg batch` as dictionaries.
    Each of their "objects" has its mask as an array in "mask"."""
    with open(path, encoding="utf-8") as lines:
        for line in lines:
            frame = json.loads(line)
            for item in frame["objects"]:
                item["mask"] = decode_rle(item["segmentation"])
            yield frame
