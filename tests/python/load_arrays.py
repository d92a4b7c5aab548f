"""Loads the pickle in each line of standard input and says what came of it; any warning is an error.

With `plainly`, by `pickle.loads`. Without, by a loader that knows both of NumPy's names for its modules, and no others.
"""

import base64
import hashlib
import io
import json
import pickle
import sys
import warnings

import numpy

warnings.simplefilter("error")

CORE = "numpy.core" if numpy.__version__.startswith("1.") else "numpy._core"
NAMES = {
    ("numpy", "ndarray"),
    ("numpy", "dtype"),
    ("numpy.core.multiarray", "_reconstruct"),
    ("numpy.core.numeric", "_frombuffer"),
}


class Loader(pickle.Unpickler):
    def find_class(self, module, name):
        module = module.replace("numpy._core", "numpy.core")
        if (module, name) not in NAMES:
            raise pickle.UnpicklingError(f"it names {module} {name}")
        return super().find_class(module.replace("numpy.core", CORE), name)


def load(data):
    return pickle.loads(data) if sys.argv[1:] == ["plainly"] else Loader(io.BytesIO(data)).load()


for line in sys.stdin:
    array = load(base64.b64decode(line))
    digest = hashlib.sha1(array.tobytes(order="C")).hexdigest()
    facts = {"shape": array.shape, "type": str(array.dtype), "writable": array.flags.writeable, "sha1": digest}
    print(json.dumps(facts))
