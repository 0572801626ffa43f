# mypy: allow-untyped-defs, no-check-untyped-defs
"""Sixteen int32 mixer inputs at a time, as vector instructions of any processor, for compiled kernels.

`dot` and `learn` stay within 32 bits; `wide_dot` and `wide_learn` do what `entropy.models.mixer_dot` and `mixer_update`
do, with products of 64 bits, on inputs in two halves of eight.

The compiler unrolls a loop of a known short length before it looks for vectors, and then finds none.  These two are
written as vectors of LLVM instead; each backend splits them into what its processor has.  All arithmetic wraps at 32
bits, so that the bits are those of the plain loops in `tests/compression/entropy/test_lanes.py`.
"""

from __future__ import annotations

from llvmlite import ir
from numba import njit, types
from numba.core import cgutils
from numba.extending import intrinsic

LANES = 16
_INT = ir.IntType(32)
_VECTOR = ir.VectorType(_INT, LANES)


def _at(context, builder, array_type, array, start):
    """Address of LANES values of an int32 array."""
    data = context.make_array(array_type)(context, builder, array).data
    return builder.bitcast(builder.gep(data, [start]), _VECTOR.as_pointer())


def _load(builder, address):
    value = builder.load(address)
    value.align = 4
    return value


def _constant(number):
    return ir.Constant(_VECTOR, [number] * LANES)


@intrinsic
def _dot(typingctx, weights, start, inputs, first):
    def build(context, builder, signature, args):
        w = _load(builder, _at(context, builder, signature.args[0], args[0], args[1]))
        x = _load(builder, _at(context, builder, signature.args[2], args[2], args[3]))
        products = builder.mul(builder.ashr(w, _constant(6)), x)
        total = cgutils.get_or_insert_function(
            builder.module, ir.FunctionType(_INT, [_VECTOR]), f"llvm.vector.reduce.add.v{LANES}i32"
        )
        return builder.call(total, [products])

    return types.int32(weights, types.intp, inputs, types.intp), build


@intrinsic
def _learn(typingctx, weights, start, inputs, first, error):
    def build(context, builder, signature, args):
        address = _at(context, builder, signature.args[0], args[0], args[1])
        x = _load(builder, _at(context, builder, signature.args[2], args[2], args[3]))
        one = builder.insert_element(ir.Constant(_VECTOR, ir.Undefined), args[4], ir.Constant(_INT, 0))
        error = builder.shuffle_vector(
            one, ir.Constant(_VECTOR, ir.Undefined), ir.Constant(ir.VectorType(_INT, LANES), [0] * LANES)
        )
        move = builder.ashr(builder.add(builder.mul(x, error), _constant(1 << 11)), _constant(12))
        store = builder.store(builder.add(_load(builder, address), move), address)
        store.align = 4
        return context.get_dummy_value()

    return types.void(weights, types.intp, inputs, types.intp, types.int32), build


@njit(cache=True, nogil=True, _nrt=False, inline="always")
def dot(weights, start, inputs, first):
    """Sum of (weights >> 6) * inputs over LANES values from `start` and `first` on; flat int32 arrays, wrapping."""
    return _dot(weights, start, inputs, first)


@njit(cache=True, nogil=True, _nrt=False, inline="always")
def learn(weights, start, inputs, first, error):
    """Add (inputs * error + 2048) >> 12 to LANES weights; `error` is int32, wrapping."""
    _learn(weights, start, inputs, first, error)


_HALF = LANES // 2
_WIDE = ir.VectorType(ir.IntType(64), _HALF)
_NARROW = ir.VectorType(_INT, _HALF)


def _half_at(context, builder, array_type, array, start, number):
    """Address of eight values of an int32 array, `number` values behind `start`."""
    data = context.make_array(array_type)(context, builder, array).data
    place = builder.gep(data, [builder.add(start, ir.Constant(start.type, number))])
    return builder.bitcast(place, _NARROW.as_pointer())


def _all_wide(number):
    return ir.Constant(_WIDE, [number] * _HALF)


@intrinsic
def wide_dot(typingctx, weights, start, inputs, first, second):
    """Sum of weights * inputs, int64: eight with the inputs from `first` on, then eight with those from `second` on."""

    def build(context, builder, signature, args):
        total = None
        for number, place in ((0, args[3]), (_HALF, args[4])):
            w = _load(builder, _half_at(context, builder, signature.args[0], args[0], args[1], number))
            x = _load(builder, _half_at(context, builder, signature.args[2], args[2], place, 0))
            products = builder.mul(builder.sext(w, _WIDE), builder.sext(x, _WIDE))
            total = products if total is None else builder.add(total, products)
        reduce = cgutils.get_or_insert_function(
            builder.module, ir.FunctionType(ir.IntType(64), [_WIDE]), f"llvm.vector.reduce.add.v{_HALF}i64"
        )
        return builder.call(reduce, [total])

    return types.int64(weights, types.intp, inputs, types.intp, types.intp), build


@intrinsic
def wide_learn(typingctx, weights, start, inputs, first, second, factor, limit):
    """Add (inputs * factor + 2^21) >> 22 to the weights of `wide_dot` and clip to `limit`; a step is below 2^31."""

    def build(context, builder, signature, args):
        def spread(scalar):
            one = builder.insert_element(ir.Constant(_NARROW, ir.Undefined), scalar, ir.Constant(_INT, 0))
            zeros = ir.Constant(ir.VectorType(_INT, _HALF), [0] * _HALF)
            return builder.shuffle_vector(one, ir.Constant(_NARROW, ir.Undefined), zeros)

        factor = builder.sext(spread(args[5]), _WIDE)
        most = spread(args[6])
        least = builder.sub(ir.Constant(_NARROW, [0] * _HALF), most)
        for number, place in ((0, args[3]), (_HALF, args[4])):
            address = _half_at(context, builder, signature.args[0], args[0], args[1], number)
            x = _load(builder, _half_at(context, builder, signature.args[2], args[2], place, 0))
            moved = builder.add(builder.mul(builder.sext(x, _WIDE), factor), _all_wide(1 << 21))
            # The bits that are kept are the same whatever is shifted in.
            step = builder.trunc(builder.lshr(moved, _all_wide(22)), _NARROW)
            w = builder.add(_load(builder, address), step)
            w = builder.select(builder.icmp_signed("<", w, least), least, w)
            w = builder.select(builder.icmp_signed(">", w, most), most, w)
            builder.store(w, address).align = 4
        return context.get_dummy_value()

    return types.void(weights, types.intp, inputs, types.intp, types.intp, types.int32, types.int32), build
