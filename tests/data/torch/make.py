#!/usr/bin/env python3
"""Files as torch.save writes them, made without torch: python3 make.py, in this folder.

A tiny bloom (2 layers, 4 wide, 2 heads, 7 tokens) with seeded weights, in every way a pytorch_model.bin may hold it,
beside model.safetensors with the same values; and files that must be refused. The pickles are Python's own (protocol 2,
persistent ids); classes that call themselves torch's stand for the real ones.
SPDX-License-Identifier: GPL-3.0-or-later"""
import collections, io, json, os, pickle, random, struct, sys, types, zlib

torch, utils = types.ModuleType("torch"), types.ModuleType("torch._utils")
sys.modules["torch"], sys.modules["torch._utils"] = torch, utils
WIDTH = dict(Float=4, Half=2, BFloat16=2, Double=8, Long=8, Bool=1, Byte=1)
for name in WIDTH:
    setattr(torch, name + "Storage", type(name + "Storage", (), {"__module__": "torch"}))


def _rebuild_tensor_v2(*args):
    raise NotImplementedError


_rebuild_tensor_v2.__module__ = "torch._utils"
_rebuild_tensor_v2.__qualname__ = "_rebuild_tensor_v2"
utils._rebuild_tensor_v2 = _rebuild_tensor_v2


class Storage:
    def __init__(self, kind, data, key=None, numel=None):
        self.kind, self.data, self.key = kind, data, key
        self.numel = len(data) // WIDTH[kind] if numel is None else numel


class Tensor:
    def __init__(self, storage, shape, offset=0, stride=None):
        if stride is None:
            stride, step = [], 1
            for n in reversed(shape):
                stride.insert(0, step)
                step *= n
        self.args = storage, offset, tuple(shape), tuple(stride)

    def __reduce_ex__(self, protocol):
        return utils._rebuild_tensor_v2, self.args + (False, collections.OrderedDict())


class Pickler(pickle._Pickler):
    def __init__(self, file):
        super().__init__(file, 2)
        self.storages = []

    def persistent_id(self, obj):
        if not isinstance(obj, Storage):
            return None
        if obj not in self.storages:
            self.storages.append(obj)
            obj.key = obj.key or str(len(self.storages) - 1)
        return "storage", getattr(torch, obj.kind + "Storage"), obj.key, "cpu", obj.numel


def write_zip(path, entries, zip64=False, method=0):
    """Stored entries, their data aligned to 64 by an extra field as PyTorch has them."""
    out, central = io.BytesIO(), []
    for name, data in entries:
        at, name, packed = out.tell(), name.encode(), data
        if method:
            c = zlib.compressobj(9, zlib.DEFLATED, -15)
            packed = c.compress(data) + c.flush()
        sizes = zlib.crc32(data), len(packed), len(data)
        pad = -(at + 30 + len(name) + 4) % 64
        out.write(struct.pack("<4s5H3L2H", b"PK\3\4", 0, 0, method, 0, 0, *sizes, len(name), pad + 4) + name)
        out.write(b"FB" + struct.pack("<H", pad) + b"Z" * pad + packed)
        extra = b""
        if zip64:
            extra = struct.pack("<HHL", 0x7875, 4, 7) + struct.pack("<HHQQQ", 1, 24, len(data), len(packed), at)
            sizes, at = (sizes[0], 0xFFFFFFFF, 0xFFFFFFFF), 0xFFFFFFFF
        central.append(struct.pack("<4s6H3L5H2L", b"PK\1\2", 0, 0, 0, method, 0, 0, *sizes, len(name), len(extra), 0,
                                   0, 0, 0, at) + name + extra)
    at, n = out.tell(), len(central)
    central = b"".join(central)
    out.write(central)
    if zip64:
        out.write(struct.pack("<4sQ2H2L4Q", b"PK\6\6", 44, 45, 45, 0, 0, n, n, len(central), at))
        out.write(struct.pack("<4sLQL", b"PK\6\7", 0, at + len(central), 1))
        at, n, size = 0xFFFFFFFF, 0xFFFF, 0xFFFFFFFF
    else:
        size = len(central)
    out.write(struct.pack("<4s4H2LH", b"PK\5\6", 0, 0, n, n, size, at, 0))
    with open(path, "wb") as f:
        f.write(out.getvalue())


def save(path, obj, stem="archive", byteorder=b"little", drop=(), **options):
    pickled = io.BytesIO()
    p = Pickler(pickled)
    p.dump(obj)
    entries = [(f"{stem}/data.pkl", pickled.getvalue())]
    if byteorder:
        entries.append((f"{stem}/byteorder", byteorder))
    entries += [(f"{stem}/data/{s.key}", s.data) for s in p.storages if s.key not in drop]
    write_zip(path, entries + [(f"{stem}/version", b"3\n")], **options)


# ---- the model

D, LAYERS, VOCAB = 4, 2, 7
CONFIG = dict(architectures=["BloomForCausalLM"], model_type="bloom", vocab_size=VOCAB, n_embed=D, n_layer=LAYERS,
              num_attention_heads=2, layer_norm_epsilon=1e-5)
SHAPES = {"word_embeddings.weight": (VOCAB, D)}
for norm in "word_embeddings_layernorm", "ln_f":
    SHAPES |= {f"{norm}.weight": (D,), f"{norm}.bias": (D,)}
for i in range(LAYERS):
    for part, shape in (("input_layernorm", (D,)), ("post_attention_layernorm", (D,)),
                        ("self_attention.query_key_value", (3 * D, D)), ("self_attention.dense", (D, D)),
                        ("mlp.dense_h_to_4h", (4 * D, D)), ("mlp.dense_4h_to_h", (D, 4 * D))):
        SHAPES |= {f"h.{i}.{part}.weight": shape, f"h.{i}.{part}.bias": shape[:1]}
random.seed(1)
# sixteenths: every dtype holds them exactly
VALUES = {name: [random.randrange(-64, 65) / 16 for _ in range(shape[0] * (shape[1] if len(shape) > 1 else 1))]
          for name, shape in SHAPES.items()}


def encode(kind, values):
    if kind == "BFloat16":
        return b"".join(struct.pack("<f", v)[2:] for v in values)
    return struct.pack(f"<{len(values)}" + {"Float": "f", "Half": "e", "Double": "d", "Long": "q"}[kind], *values)


def apart(kind, names=SHAPES):
    """A storage for each tensor."""
    d = collections.OrderedDict((n, Tensor(Storage(kind, encode(kind, VALUES[n])), SHAPES[n])) for n in names)
    d._metadata = collections.OrderedDict({"": {"version": 1}, "h.0": {"version": 1}})
    return d


def together(kind):
    """All in one storage with something between them; matrices of the MLP transposed, one with its rows apart; the
    head tied; masks."""
    data, places = b"", {}
    for name, values in VALUES.items():
        n_row, n_col = (SHAPES[name] + (1,))[:2]
        data += encode(kind, [9.0])
        at = len(data) // WIDTH[kind]
        if "mlp.dense_h" in name and n_col > 1:
            values = [values[r * n_col + c] for c in range(n_col) for r in range(n_row)]
            places[name] = at, (1, n_row)
        elif name == "h.1.self_attention.dense.weight":
            values = [v for r in range(n_row) for v in values[r * n_col:(r + 1) * n_col] + [7.0]]
            places[name] = at, (n_col + 1, 1)
        else:
            places[name] = at, (n_col, 1)[:len(SHAPES[name])] if len(SHAPES[name]) > 1 else (1,)
        data += encode(kind, values)
    s = Storage(kind, data)
    d = collections.OrderedDict((n, Tensor(s, SHAPES[n], *places[n])) for n in SHAPES)
    d["lm_head.weight"] = d["word_embeddings.weight"]
    return d


def write_safetensors(path):
    header, data = {}, b""
    for name, values in VALUES.items():
        piece = encode("Float", values)
        header[name] = dict(dtype="F32", shape=SHAPES[name], data_offsets=[len(data), len(data) + len(piece)])
        data += piece
    header = json.dumps(header).encode()
    with open(path, "wb") as f:
        f.write(struct.pack("<Q", len(header)) + header + data)


def raw(path, code):
    write_zip(path, [("archive/data.pkl", code), ("archive/version", b"3\n")])


with open("config.json", "w") as f:
    json.dump(CONFIG, f, indent=1)
    f.write("\n")
write_safetensors("model.safetensors")
save("float.bin", apart("Float"))
save("half.bin", together("Half"), stem="pytorch_model", zip64=True)
save("bfloat16.bin", together("BFloat16"), byteorder=None)
save("double.bin", dict(together("Double")))
names = list(SHAPES)
shards = {"pytorch_model-00001-of-00002.bin": names[:9], "pytorch_model-00002-of-00002.bin": names[9:]}
for path, some in shards.items():
    save(path, apart("Half", some))
with open("pytorch_model.bin.index.json", "w") as f:
    json.dump(dict(metadata=dict(total_size=0), weight_map={n: p for p, some in shards.items() for n in some}), f,
              indent=1)

# An embedding of several pages, stored transposed: who reads it has it in memory, not in the file.
rows = 1024
embed = [(r % 129 - 64) / 16 for r in range(rows) for c in range(D)]
wide = apart("Float")
wide["word_embeddings.weight"] = Tensor(Storage("Float", encode("Float", embed[::D] * D)), (rows, D), stride=(1, rows))
os.makedirs("turned", exist_ok=True)
save("turned/pytorch_model.bin", wide)
with open("turned/config.json", "w") as f:
    json.dump(CONFIG | dict(vocab_size=rows), f, indent=1)
    f.write("\n")

# ---- what must be refused

one = lambda **o: collections.OrderedDict(x=Tensor(Storage("Float", bytes(16), numel=o.pop("numel", None)), **o))
raw("bad-system.bin", b"\x80\x02cos\nsystem\nX\x04\0\0\0exit\x85R.")
raw("bad-builtin.bin", b"\x80\x02c__builtin__\neval\nX\x01\0\0\x001\x85R.")
raw("bad-newobj.bin", b"\x80\x02ccollections\nOrderedDict\n)\x81.")
raw("bad-inst.bin", b"\x80\x02(ios\nsystem\n.")
raw("bad-stackglobal.bin", b"\x80\x02X\x02\0\0\0osX\x06\0\0\0system\x93.")
raw("bad-protocol.bin", pickle.dumps({}, 4))
raw("bad-memo.bin", b"\x80\x02}r\xff\xff\xff\x7f.")
raw("bad-mark.bin", b"\x80\x02}u.")
raw("bad-underflow.bin", b"\x80\x02(\x85.")
raw("bad-truncated.bin", b"\x80\x02}q\0X\xff\xff\xff\xffx")
raw("bad-number.bin", pickle.dumps(5, 2))
raw("bad-text.bin", b"\x80\x02}X\x02\0\0\0\xc3(Ns.")
raw("bad-persid.bin", b"\x80\x02X\x07\0\0\0storage\x85Q.")
raw("bad-empty.bin", b"\x80\x02ctorch._utils\n_rebuild_tensor_v2\n)R.")
raw("bad-self.bin", b"\x80\x02}q\0X\x01\0\0\0xh\0s.")
save("bad-training.bin", {"epoch": 3, "state_dict": apart("Float", names[:1])})
save("bad-offset.bin", one(shape=(2, 2), offset=1))
save("bad-stride.bin", one(shape=(2, 2), stride=(1 << 62, 1)))
save("bad-expanded.bin", one(shape=(1 << 20, 1 << 20), stride=(0, 0)))
save("bad-size.bin", one(shape=(1 << 40, 1 << 40)))
save("bad-storage.bin", one(shape=(2, 2), numel=400))
save("bad-missing.bin", one(shape=(2, 2)), drop=("0",))
save("bad-order.bin", one(shape=(2, 2)), byteorder=b"big")
save("bad-deflated.bin", one(shape=(2, 2)), method=8)
write_zip("bad-zip.bin", [("word/document.xml", b"<a/>")])
with open("bad-legacy.bin", "wb") as f:
    f.write(pickle.dumps(0x1950A86A20F9469CFC6C, 2) + pickle.dumps(1001, 2))
