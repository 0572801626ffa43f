"""Gathering, splatting and the sparse Adam against plain numpy and torch."""

import numpy as np
import pytest
import torch
from geo3d_recon.field.tables import SparseAdam, gather, splat


def batch(rng, rows_of=7, n=40):
    rows = rng.integers(0, rows_of, (n, 8)).astype(np.int32)
    return rows, rng.uniform(0, 1, (n, 8)).astype(np.float32)


def test_gather_and_splat_are_transposes():
    rng = np.random.default_rng(0)
    table, values = rng.normal(size=(7, 3)).astype(np.float32), rng.normal(size=(40, 3)).astype(np.float32)
    rows, weights = batch(rng)
    sums, totals = np.zeros((7, 3), np.float32), np.zeros(7, np.float32)
    splat(sums, totals, rows, weights, values)
    assert (gather(table, rows, weights) * values).sum() == pytest.approx((table * sums).sum(), rel=1e-4)
    assert totals.sum() == pytest.approx(weights.sum(), rel=1e-5)


def test_adam_is_torchs_where_every_row_is_touched_at_every_step():
    rng = np.random.default_rng(1)
    start = rng.normal(size=(7, 2)).astype(np.float32)
    ours, theirs = SparseAdam.of(start.copy()), torch.nn.Parameter(torch.from_numpy(start.copy()))
    reference = torch.optim.Adam([theirs], lr=0.03, betas=(0.9, 0.99), eps=1e-10)
    for _ in range(30):
        rows, weights = batch(rng)
        g = rng.normal(size=(40, 2)).astype(np.float32)
        picked = (theirs[torch.from_numpy(rows.astype(np.int64))] * torch.from_numpy(weights)[..., None]).sum(1)
        reference.zero_grad()
        (picked * torch.from_numpy(g)).sum().backward()
        reference.step()
        ours.step(rows, weights, g, np.full(2, 0.03, np.float32))
    assert ours.table == pytest.approx(theirs.detach().numpy(), abs=2e-4)


def test_rows_that_no_sample_touches_rest():
    adam = SparseAdam.of(np.ones((3, 2), np.float32))
    rows, weights = np.zeros((1, 8), np.int32), np.full((1, 8), 0.125, np.float32)
    for _ in range(5):
        adam.step(rows, weights, np.ones((1, 2), np.float32), np.full(2, 0.1, np.float32))
    assert (adam.table[1:] == 1).all()
    assert (adam.table[0] < 1).all()
    assert adam.steps.tolist() == [5, 0, 0]
