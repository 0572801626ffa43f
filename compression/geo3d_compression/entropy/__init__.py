"""The entropy core that every codec shares: a range coder and adaptive binary models, in integers, compiled by numba.

`coder` turns probabilities into bytes, `models` turns history into probabilities, `tables` holds the logistic tables.
A codec writes one model step (contexts -> inputs -> mix -> `code_bit` -> update) and runs it in both directions:

    for i in range(n):
        x = mixer_dot(weights, row, inputs, k)
        bit = code_bit(state, buffer, squash(x), bits[i], encode)
        mixer_update(weights, row, inputs, k, (bit << 16) - squash(x), rate)
        bits[i] = bit

Symbols with more than two values have `code_symbol` over cumulative integer frequencies in the same stream.
"""
