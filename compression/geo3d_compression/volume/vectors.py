# mypy: allow-untyped-defs, no-check-untyped-defs
"""The inner loops of the voxel model as vector instructions of any processor.

The compiler leaves loops over few doubles, or over arrays that it cannot tell apart, scalar.  These are written as
vectors of LLVM instead; each backend splits them into what its processor has.  Every lane is one element of the plain
loop, with the same operations in the same order and no contraction, so that the bits are those of the loops in
`tests/compression/volume/test_vectors.py`.  No index is checked.
"""

from __future__ import annotations

from contextlib import contextmanager

from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic

from geo3d_compression.entropy.prefetch import prefetch as prefetch

LANES = 4
_I32, _I64 = ir.IntType(32), ir.IntType(64)
_DOUBLE, _FLOAT = ir.DoubleType(), ir.FloatType()


def _vector(element, lanes):
    return ir.VectorType(element, lanes)


def _data(context, builder, array_type, array):
    """Address of an array's first element."""
    return context.make_array(array_type)(context, builder, array).data


def _columns(context, builder, array_type, array):
    """Elements in a row of a two-dimensional array."""
    shape = context.make_array(array_type)(context, builder, array).shape
    return cgutils.unpack_tuple(builder, shape)[-1]


def _address(builder, base, index, kind):
    return builder.bitcast(builder.gep(base, [index]), kind.as_pointer())


def _align(kind):
    return 4 if getattr(kind, "element", kind) == _FLOAT else 8


def _load(builder, base, index, kind):
    value = builder.load(_address(builder, base, index, kind))
    value.align = _align(kind)
    return value


def _store(builder, base, index, value):
    builder.store(value, _address(builder, base, index, value.type)).align = _align(value.type)


def _splat(builder, scalar, kind):
    if kind == scalar.type:
        return scalar
    undefined = ir.Constant(kind, ir.Undefined)
    one = builder.insert_element(undefined, scalar, ir.Constant(_I32, 0))
    return builder.shuffle_vector(one, undefined, ir.Constant(_vector(_I32, kind.count), [0] * kind.count))


def _all(kind, number):
    """A constant in every lane."""
    return ir.Constant(kind, [number] * kind.count)


def _shuffle(builder, a, b, order):
    return builder.shuffle_vector(a, b, ir.Constant(_vector(_I32, len(order)), order))


def _transpose(builder, rows):
    """Four vectors of four as columns."""
    pairs = [[_shuffle(builder, rows[k], rows[k + 1], [j, 4 + j, 2 + j, 6 + j]) for j in (0, 1)] for k in (0, 2)]
    return [
        _shuffle(builder, pairs[0][j % 2], pairs[1][j % 2], [0, 1, 4, 5] if j < 2 else [2, 3, 6, 7]) for j in range(4)
    ]


def _integer(number):
    return ir.Constant(_I64, number)


@contextmanager
def _chunks(builder, count, start, width):
    """Loop over as many whole chunks of `width` as fit between `start` and `count`; yields (index, end)."""
    whole = builder.sdiv(builder.sub(count, start), _integer(width))
    end = builder.add(start, builder.mul(whole, _integer(width)))
    with cgutils.for_range_slice(builder, start, end, _integer(width), _I64) as (index, _):
        yield index, end


def _by_width(builder, count, widths, body):
    """Cover 0 ... count - 1 with chunks, the widest first: body(index, vectors, kind)."""
    start = _integer(0)
    for width, vectors, kind in widths:
        with _chunks(builder, count, start, width) as (index, end):
            body(index, vectors, kind)
        start = end


@intrinsic
def propagate(typingctx, P, h, x, u, count, grow):
    """P = (P - h h') grow and u = P x, rows in rising order; float64 P [N, N], others [N], `count` a multiple of 4."""

    def build(context, builder, signature, args):
        p, direction, inputs, out = (_data(context, builder, signature.args[k], args[k]) for k in range(4))
        stride = _columns(context, builder, signature.args[0], args[0])
        count, grow = args[4], args[5]

        def body(first, vectors, kind):
            at = [builder.add(first, _integer(LANES * k)) for k in range(vectors)]
            across = [_load(builder, direction, i, kind) for i in at]
            growth = _splat(builder, grow, kind)
            sums = [cgutils.alloca_once_value(builder, _all(kind, 0.0)) for _ in at]
            for total in sums:
                builder.store(_all(kind, 0.0), total)
            with cgutils.for_range(builder, count, intp=_I64) as loop:
                down = _splat(builder, _load(builder, direction, loop.index, _DOUBLE), kind)
                value = _splat(builder, _load(builder, inputs, loop.index, _DOUBLE), kind)
                row = builder.mul(loop.index, stride)
                for i, v, total in zip(at, across, sums, strict=True):
                    place = builder.add(row, i)
                    old = _load(builder, p, place, kind)
                    new = builder.fmul(builder.fsub(old, builder.fmul(down, v)), growth)
                    _store(builder, p, place, new)
                    builder.store(builder.fadd(builder.load(total), builder.fmul(new, value)), total)
            for i, total in zip(at, sums, strict=True):
                _store(builder, out, i, builder.load(total))

        lanes = _vector(_DOUBLE, LANES)
        _by_width(builder, count, ((4 * LANES, 4, lanes), (LANES, 1, lanes)), body)
        return context.get_dummy_value()

    return types.void(P, h, x, u, types.intp, types.float64), build


@intrinsic
def propagate_upper(typingctx, P, h, x, u, count, grow):
    """`propagate` for a symmetric P of which only the blocks of 4 x 4 on and above the diagonal are kept.

    The sums are those of the whole matrix in the same order: element j of u takes the rows before j, its own, and those
    after it, which are the columns of the blocks to the right.
    """

    def build(context, builder, signature, args):
        p, direction, inputs, out = (_data(context, builder, signature.args[k], args[k]) for k in range(4))
        stride = _columns(context, builder, signature.args[0], args[0])
        count, kind, four = args[4], _vector(_DOUBLE, LANES), range(LANES)
        grow = _splat(builder, args[5], kind)

        def spread(base, first):
            return [_splat(builder, _load(builder, base, builder.add(first, _integer(k)), _DOUBLE), kind) for k in four]

        def step(rows, column, down):
            """The block's new rows, which are stored."""
            across = _load(builder, direction, column, kind)
            new = []
            for k in four:
                place = builder.add(rows[k], column)
                old = _load(builder, p, place, kind)
                new.append(builder.fmul(builder.fsub(old, builder.fmul(down[k], across)), grow))
                _store(builder, p, place, new[k])
            return new

        def added(total, rows, values):
            for row, value in zip(rows, values, strict=True):
                total = builder.fadd(total, builder.fmul(row, value))
            return total

        with cgutils.for_range_slice(builder, _integer(0), count, _integer(LANES), _I64) as (i, _):
            _store(builder, out, i, _all(kind, 0.0))
        total = cgutils.alloca_once(builder, kind)
        with cgutils.for_range_slice(builder, _integer(0), count, _integer(LANES), _I64) as (first, _):
            rows = [builder.mul(builder.add(first, _integer(k)), stride) for k in four]
            down, values = spread(direction, first), spread(inputs, first)
            own = step(rows, first, down)
            builder.store(added(_load(builder, out, first, kind), own, values), total)
            right = builder.add(first, _integer(LANES))
            with cgutils.for_range_slice(builder, right, count, _integer(LANES), _I64) as (i, _):
                new = step(rows, i, down)
                _store(builder, out, i, added(_load(builder, out, i, kind), new, values))
                below = added(builder.load(total), _transpose(builder, new), spread(inputs, i))
                builder.store(below, total)
            _store(builder, out, first, builder.load(total))
        return context.get_dummy_value()

    return types.void(P, h, x, u, types.intp, types.float64), build


@intrinsic
def dot4(typingctx, a, b, count):
    """Sum of a[i] * b[i] in four sums of every fourth, then (0 + 1) + (2 + 3); `count` is a multiple of four."""

    def build(context, builder, signature, args):
        left, right = (_data(context, builder, signature.args[k], args[k]) for k in range(2))
        kind = _vector(_DOUBLE, LANES)
        total = cgutils.alloca_once(builder, kind)
        builder.store(_all(kind, 0.0), total)
        with cgutils.for_range_slice(builder, _integer(0), args[2], _integer(LANES), _I64) as (i, _):
            product = builder.fmul(_load(builder, left, i, kind), _load(builder, right, i, kind))
            builder.store(builder.fadd(builder.load(total), product), total)
        s = [builder.extract_element(builder.load(total), ir.Constant(_I32, k)) for k in range(LANES)]
        return builder.fadd(builder.fadd(s[0], s[1]), builder.fadd(s[2], s[3]))

    return types.float64(a, b, types.intp), build


@intrinsic
def add_scaled(typingctx, target, first, source, start, count, factor):
    """target[first + i] += source[start + i] * factor for i < `count`, a multiple of four; float64."""

    def build(context, builder, signature, args):
        target, source = (_data(context, builder, signature.args[k], args[k]) for k in (0, 2))
        kind = _vector(_DOUBLE, LANES)
        factor = _splat(builder, args[5], kind)
        with cgutils.for_range_slice(builder, _integer(0), args[4], _integer(LANES), _I64) as (i, _):
            at = builder.add(args[1], i)
            step = builder.fmul(_load(builder, source, builder.add(args[3], i), kind), factor)
            _store(builder, target, at, builder.fadd(_load(builder, target, at, kind), step))
        return context.get_dummy_value()

    return types.void(target, types.intp, source, types.intp, types.intp, types.float64), build


@intrinsic
def add_product(typingctx, weights, start, inputs, first, rows, total):
    """total[j] += sum over m < rows of inputs[first + m] * weights[start + m J + j], J = total.size; float32.

    The arrays are taken as flat.  Sums go down the rows; the callers' are exact in any order.
    """

    def build(context, builder, signature, args):
        weights, inputs, out = (_data(context, builder, signature.args[k], args[k]) for k in (0, 2, 5))
        columns = _columns(context, builder, signature.args[5], args[5])

        def body(column, vectors, kind):
            lanes = getattr(kind, "count", 1)
            at = [builder.add(column, _integer(lanes * k)) for k in range(vectors)]
            sums = [cgutils.alloca_once(builder, kind) for _ in at]
            for i, total in zip(at, sums, strict=True):
                builder.store(_load(builder, out, i, kind), total)
            with cgutils.for_range(builder, args[4], intp=_I64) as loop:
                given = _load(builder, inputs, builder.add(args[3], loop.index), _FLOAT)
                value = _splat(builder, given, kind)
                row = builder.add(args[1], builder.mul(loop.index, columns))
                for i, total in zip(at, sums, strict=True):
                    product = builder.fmul(value, _load(builder, weights, builder.add(row, i), kind))
                    builder.store(builder.fadd(builder.load(total), product), total)
            for i, total in zip(at, sums, strict=True):
                _store(builder, out, i, builder.load(total))

        lanes = _vector(_FLOAT, 2 * LANES)
        _by_width(builder, columns, ((8 * LANES, 4, lanes), (2 * LANES, 1, lanes), (1, 1, _FLOAT)), body)
        return context.get_dummy_value()

    return types.void(weights, types.intp, inputs, types.intp, types.intp, total), build


def _clamp(builder, value, low, high):
    """Lanes between two constants; what is not a number becomes the lower."""
    value = builder.select(builder.fcmp_ordered(">", value, low), value, low)
    return builder.select(builder.fcmp_ordered("<", value, high), value, high)


def _entries(builder, table, whole, width):
    """Entries [width] of a flat table at four rows and at the rows after them: 2 x width vectors."""
    kind = _vector(_DOUBLE, 2 * width)
    rows = []
    for k in range(LANES):
        row = builder.zext(builder.extract_element(whole, ir.Constant(_I32, k)), _I64)
        rows.append(_load(builder, table, builder.mul(row, _integer(width)), kind))
    if width == 1:
        even, odd = (_shuffle(builder, rows[k], rows[k + 2], [0, 1, 2, 3]) for k in (0, 1))
        return [_shuffle(builder, even, odd, [k, 4 + k, 2 + k, 6 + k]) for k in (0, 1)]
    return _transpose(builder, rows)


@intrinsic
def expert_logits(typingctx, lanes, edge, weights_a, start_a, weights_b, start_b, cdf, log):
    """Logits of P(value >= edge | interval) of all experts, and their products with two rows of weights.

    lanes : float64 [8, L], L a multiple of four; rows mean, 1 / scale, CDF at the interval's lower edge and at its
        upper (read); CDF at the edge, logits, products a and b (written)
    cdf, log : `tables.CDF` and `LOG_PAIRS`
    """

    def build(context, builder, signature, args):
        base, cdf, log = (_data(context, builder, signature.args[k], args[k]) for k in (0, 6, 7))
        weights = [_data(context, builder, signature.args[k], args[k]) for k in (2, 4)]
        stride = _columns(context, builder, signature.args[0], args[0])
        kind, index_kind = _vector(_DOUBLE, LANES), _vector(_I32, LANES)
        edge = _splat(builder, args[1], kind)

        def split(place):
            whole = builder.fptosi(place, index_kind)
            return whole, builder.fsub(place, builder.sitofp(whole, kind))

        def between(value, following, part):
            return builder.fadd(value, builder.fmul(builder.fsub(following, value), part))

        with cgutils.for_range_slice(builder, _integer(0), stride, _integer(LANES), _I64) as (i, _):

            def at(row):
                return builder.add(builder.mul(_integer(row), stride), i)

            mean, inverse, below, above = (_load(builder, base, at(row), kind) for row in range(4))
            u = builder.fmul(builder.fsub(edge, mean), inverse)
            a = builder.fmul(builder.fadd(u, _all(kind, 20.0)), _all(kind, 64.0))
            whole, part = split(_clamp(builder, a, _all(kind, 0.0), _all(kind, 2559.0)))
            here = between(*_entries(builder, cdf, whole, 1), part)
            _store(builder, base, at(4), here)
            upper = builder.fadd(builder.fsub(above, here), _all(kind, 1e-10))
            width = builder.fadd(builder.fsub(above, below), _all(kind, 2e-10))
            whole, part = split(builder.fmul(builder.fdiv(upper, width), _all(kind, 4096.0)))
            yes, no, next_yes, next_no = _entries(builder, log, whole, 2)
            logit = builder.fsub(between(yes, next_yes, part), between(no, next_no, part))
            _store(builder, base, at(5), logit)
            for k in (0, 1):
                weight = _load(builder, weights[k], builder.add(args[3 + 2 * k], i), kind)
                _store(builder, base, at(6 + k), builder.fmul(weight, logit))
        return context.get_dummy_value()

    signature = types.void(
        lanes, types.float64, weights_a, types.intp, weights_b, types.intp, cdf, log
    )  # fmt: skip
    return signature, build
