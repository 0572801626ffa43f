# mypy: allow-untyped-defs, no-check-untyped-defs
"""Up to eight counters at a time as vectors of int32: what they tell the mixers, and how they learn.

One by one, inputs are stored and then loaded as vectors, which a processor can only do once every store has left
its queue.  Here counters are put together in registers, and all that is stored is read as it was written.  The bits are
those of `entropy.models.counter_update` and of the loops in `tests/compression/entropy/test_registers.py`.

    facts[n]  RECIPROCAL[n] | CONFIDENCE[n] << 16
    stretch   logits of the probabilities in 4096 or 65536 steps
    memory    int32 [32 * blocks]: mixer inputs, sixteen a block (stretched of each, probability of each), then sixteen
              a block: counters | facts
    block     a number known when compiling, like all lower-case arguments but `slot`, `bit` and `limit`

A block of six counters can end with the bias, 256, and nothing.
"""

from __future__ import annotations

import numpy as np
from llvmlite import ir
from numba import types
from numba.extending import intrinsic

from geo3d_compression.entropy.tables import CONFIDENCE, RECIPROCAL

# Where the places of counters begin in `work`.
PLACES = 32
LANES = 8
SIX = 6
MEMORY = 32
_BLOCK = 16
_INT = ir.IntType(32)
_WORD = ir.IntType(64)
_VECTOR = ir.VectorType(_INT, LANES)
FACTS = (RECIPROCAL.astype(np.int64) | CONFIDENCE.astype(np.int64) << 16).astype(np.int32)


def _address(context, builder, array_type, array, index):
    data = context.make_array(array_type)(context, builder, array).data
    return builder.gep(data, [index])


def _all(number):
    return ir.Constant(_VECTOR, [number] * LANES)


def _vector_at(context, builder, array_type, array, start):
    place = _address(context, builder, array_type, array, ir.Constant(_WORD, start))
    return builder.bitcast(place, _VECTOR.as_pointer())


def _store(builder, vector, address):
    builder.store(vector, address).align = 4


def _load(builder, address):
    value = builder.load(address)
    value.align = 4
    return value


def _slots(context, builder, array_type, array, slot, first, count):
    """Where the counters of contexts `first` to `first + count` are."""
    for i in range(count):
        place = builder.load(_address(context, builder, array_type, array, ir.Constant(_WORD, PLACES + first + i)))
        yield i, builder.add(place, slot)


def _numbers(*literals):
    """The numbers that are known when compiling; None where one is not."""
    if all(isinstance(n, types.IntegerLiteral) for n in literals):
        return [n.literal_value for n in literals]
    return None


@intrinsic(prefer_literal=True)
def hear(typingctx, counters, work, slot, stretch, facts, memory, steps, blocks, block, first, count, bias):
    """What the counters at `slot` of the places in `work` tell the mixers, into `memory`.

    steps    bits of the probabilities that `stretch` knows
    blocks   of `memory`; first, count: which contexts; bias: 1 behind six counters, or 0
    """
    known = _numbers(steps, blocks, block, first, count, bias)
    if known is None:
        return None
    n_steps, n_blocks, n_block, n_first, n_count, n_bias = known

    def build(context, builder, signature, args):
        t_counters, t_work, _, t_stretch, t_facts, t_memory = signature.args[:6]
        a_counters, a_work, a_slot, a_stretch, a_facts, a_memory = args[:6]
        value = ir.Constant(_VECTOR, [-(1 << 31)] * LANES)
        logit = ir.Constant(_VECTOR, [0] * SIX + [256 * n_bias, 0])
        fact = ir.Constant(_VECTOR, [0] * SIX + [(256 << 16) * n_bias, 0])
        for i, place in _slots(context, builder, t_work, a_work, a_slot, n_first, n_count):
            lane = ir.Constant(_INT, i)
            counter = builder.load(_address(context, builder, t_counters, a_counters, place))
            index = builder.zext(builder.lshr(counter, ir.Constant(_INT, 32 - n_steps)), _WORD)
            one = builder.load(_address(context, builder, t_stretch, a_stretch, index))
            index = builder.zext(builder.and_(counter, ir.Constant(_INT, 1023)), _WORD)
            two = builder.load(_address(context, builder, t_facts, a_facts, index))
            value = builder.insert_element(value, counter, lane)
            logit = builder.insert_element(logit, builder.sext(one, _INT) if one.type != _INT else one, lane)
            fact = builder.insert_element(fact, two, lane)
        sure = builder.lshr(fact, _all(16))
        p = builder.sub(builder.lshr(value, _all(16)), _all(32768))
        stretched = builder.ashr(builder.mul(logit, sure), _all(8))
        centred = builder.ashr(builder.mul(p, sure), _all(14))
        inputs, saved = _BLOCK * n_block, _BLOCK * (n_blocks + n_block)
        for start, vector in ((inputs, stretched), (inputs + LANES, centred), (saved, value), (saved + LANES, fact)):
            _store(builder, vector, _vector_at(context, builder, t_memory, a_memory, start))
        return context.get_dummy_value()

    signature = types.void(
        counters, work, types.intp, stretch, facts, memory, steps, blocks, block, first, count, bias
    )  # fmt: skip
    return signature, build


@intrinsic(prefer_literal=True)
def teach(typingctx, counters, work, slot, memory, blocks, block, first, count, bit, limit):
    """Update the counters that `hear` has left in `memory` by `bit`; they are believed to have seen `limit` at most."""
    known = _numbers(blocks, block, first, count)
    if known is None:
        return None
    n_blocks, n_block, n_first, n_count = known

    def build(context, builder, signature, args):
        t_counters, t_work, _, t_memory = signature.args[:4]
        a_counters, a_work, a_slot, a_memory = args[:4]
        a_bit, a_limit = args[-2:]

        def spread(scalar):
            one = builder.insert_element(ir.Constant(_VECTOR, ir.Undefined), scalar, ir.Constant(_INT, 0))
            return builder.shuffle_vector(one, ir.Constant(_VECTOR, ir.Undefined), _all(0))

        saved = _BLOCK * (n_blocks + n_block)
        value = _load(builder, _vector_at(context, builder, t_memory, a_memory, saved))
        fact = _load(builder, _vector_at(context, builder, t_memory, a_memory, saved + LANES))
        step = builder.and_(fact, _all(0xFFFF))
        seen = builder.and_(value, _all(1023))
        p = builder.lshr(value, _all(10))
        target = spread(builder.shl(a_bit, ir.Constant(_INT, 22)))
        error = builder.ashr(builder.sub(target, p), _all(3))
        # error * step >> 13 in 32 bits: the lower six bits of the error apart.
        high = builder.mul(builder.ashr(error, _all(6)), step)
        low = builder.lshr(builder.mul(builder.and_(error, _all(63)), step), _all(6))
        p = builder.add(p, builder.ashr(builder.add(high, low), _all(7)))
        p = builder.select(builder.icmp_signed("<", p, _all(64)), _all(64), p)
        p = builder.select(builder.icmp_signed(">", p, _all((1 << 22) - 65)), _all((1 << 22) - 65), p)
        more = builder.zext(builder.icmp_signed("<", seen, spread(a_limit)), _VECTOR)
        learned = builder.or_(builder.shl(p, _all(10)), builder.add(seen, more))
        for i, place in _slots(context, builder, t_work, a_work, a_slot, n_first, n_count):
            one = builder.extract_element(learned, ir.Constant(_INT, i))
            builder.store(one, _address(context, builder, t_counters, a_counters, place))
        return context.get_dummy_value()

    signature = types.void(
        counters, work, types.intp, memory, blocks, block, first, count, types.int32, types.int32
    )  # fmt: skip
    return signature, build
