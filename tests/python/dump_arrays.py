"""Writes one JSON line for each way that Python has to pickle the same picture: protocols, orders, picklers, sizes."""

import base64
import io
import json
import pickle
import pickletools

import numpy as np

# Around the sizes where picklers change how they write bytes (255) and frames (65 536).
SIZES = [(1, 1), (3, 2), (85, 1), (86, 1), (1, 256), (256, 255), (400, 300), (16384, 1)]
SIZES += [(width, 1) for width in range(21_794, 21_850, 5)]


def picture(width, height):
    return (np.arange(height * width * 3) * 7 % 251).astype(np.uint8).reshape(height, width, 3)


def layouts(c):
    f = np.asfortranarray(c)
    yield "C", c
    yield "F", f
    yield "C", np.repeat(c, 2, axis=1)[:, ::2]
    for order, array in (("C", c.copy()), ("F", f.copy(order="F"))):
        array.flags.writeable = False
        yield order, array


def fast(array, protocol):
    file = io.BytesIO()
    pickler = pickle.Pickler(file, protocol)
    pickler.fast = True
    pickler.dump(array)
    return file.getvalue()


def optimized(array, protocol):
    return pickletools.optimize(pickle.dumps(array, protocol))


for width, height in SIZES:
    for order, array in layouts(picture(width, height)):
        for protocol in (3, 4, 5):
            for dump in (pickle.dumps, pickle._dumps, fast, optimized):
                text = base64.b64encode(dump(array, protocol)).decode()
                # An array of one pixel, row or column may lie in both orders at once.
                both = array.flags.c_contiguous and array.flags.f_contiguous
                print(json.dumps({"width": width, "height": height, "order": "CF" if both else order, "pickle": text}))
