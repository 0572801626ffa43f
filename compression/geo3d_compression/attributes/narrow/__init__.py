"""The rich model of channels of up to 16 bits: many predictors and contexts, mixed bit by bit.

decoded neighbours --> predictors (kernels, least squares, other channels) --> distributions --+
          |                        \\-> best guess and its unrest --> contexts --> counters ----+--> mixers
          +----> which neighbour the value may be a copy of ------------------> distribution --+      |
                                                               binary decisions <-- APM <-- final mixer
"""
