# Arrays as numpy 1.24.2 saves them, and the text that tensorcat --to=text must make of each.
# python3 make.py, in this folder.
import numpy as np

cube = np.arange(24).reshape(2, 3, 4)
arrays = {
    "f4": (np.array([[0.1, -2.5, 3e38], [np.nan, np.inf, 1e-45]], "<f4"), None),
    "f8_big": (np.array([1 / 3, -0.0, 1e308, 5e-324], ">f8"), None),
    "f2": (np.array([65504, 6e-8, -1.5], "<f2"), None),
    "i2_fortran_big": (np.asfortranarray(cube.astype(">i2")), None),
    "f4_fortran": (np.asfortranarray((cube / 8).astype("<f4")), None),
    "i8_version2": (np.array([-(2**63), 2**63 - 1], "<i8"), (2, 0)),
    "u1_version3": (np.array([[0, 255], [7, 8]], "u1"), (3, 0)),
    "bool_scalar": (np.array(True), None),
    "i4_empty": (np.zeros((0, 3), "<i4"), None),
    "i1": (np.array([-128, 127], "i1"), None),
}


def words(a):
    def word(v):
        if a.dtype.kind != "f":
            return str(int(v))
        if np.isnan(v):
            return "NaN"
        if np.isinf(v):
            return "Inf" if v > 0 else "-Inf"
        digits = range(15, 18) if a.dtype.itemsize == 8 else range(6, 10)
        wide = a.dtype.newbyteorder("=") if a.dtype.itemsize > 2 else np.dtype("f4")
        v = wide.type(v)
        return next(t for d in digits for t in ["%.*g" % (d, v)] if wide.type(t) == v)

    rows = a.reshape(-1, a.shape[-1]) if a.ndim > 1 else a.reshape(-1, 1)
    return "".join(" ".join(word(v) for v in row) + "\n" for row in rows)


for name, (a, version) in arrays.items():
    with open(name + ".npy", "wb") as f:
        np.lib.format.write_array(f, a, version=version)
    with open(name + ".txt", "w") as f:
        f.write(words(a))
