# mypy: allow-untyped-defs, no-check-untyped-defs
"""Asking for memory before it is needed, for compiled kernels: what a coder waits for most is its tables."""

from __future__ import annotations

from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic

_BYTES = ir.IntType(8).as_pointer()
_INT = ir.IntType(32)


@intrinsic
def prefetch(typingctx, array, index):
    """Ask for the cache line of an element of a flat array, which will be written; outside it nothing happens."""

    def build(context, builder, signature, args):
        data = context.make_array(signature.args[0])(context, builder, args[0]).data
        kind = ir.FunctionType(ir.VoidType(), [_BYTES, _INT, _INT, _INT])
        function = cgutils.get_or_insert_function(builder.module, kind, "llvm.prefetch.p0i8")
        address = builder.bitcast(builder.gep(data, [args[1]]), _BYTES)
        builder.call(function, [address, ir.Constant(_INT, 1), ir.Constant(_INT, 3), ir.Constant(_INT, 1)])
        return context.get_dummy_value()

    return types.void(array, types.intp), build
