"""The recurrence of a grid against its double loop."""

from __future__ import annotations

import pytest
import torch

from slidesieve.nn.scan import grid_scan, linear_scan


@pytest.mark.parametrize(("rows", "columns"), [(5, 7), (1, 6), (6, 1), (1, 1)])
def test_a_scan_equals_the_loops_and_so_do_its_gradients(rows, columns):
    generator = torch.Generator().manual_seed(0)
    shape = rows, columns, 3
    a = torch.rand(shape, generator=generator, dtype=torch.float64).requires_grad_()
    x = torch.randn(shape, generator=generator, dtype=torch.float64).requires_grad_()
    s = [[torch.zeros(3, dtype=torch.float64)] * columns for _ in range(rows)]
    h = [[torch.zeros(3, dtype=torch.float64)] * columns for _ in range(rows)]
    for i in range(rows):
        for j in range(columns):
            s[i][j] = a[i, j] * (s[i][j - 1] if j else 0) + x[i, j]
            h[i][j] = a[i, j] * (h[i - 1][j] if i else 0) + s[i][j]
    expected = torch.stack([torch.stack(row) for row in h])
    torch.testing.assert_close(grid_scan(a, x), expected)
    weights = torch.randn(shape, generator=generator, dtype=torch.float64)
    found = torch.autograd.grad((grid_scan(a, x) * weights).sum(), (a, x))
    wanted = torch.autograd.grad((expected * weights).sum(), (a, x))
    for ours, theirs in zip(found, wanted, strict=True):
        torch.testing.assert_close(ours, theirs)


def test_the_gradient_is_that_of_finite_differences():
    generator = torch.Generator().manual_seed(1)
    a, x = (torch.rand(4, 2, generator=generator, dtype=torch.float64) for _ in range(2))
    assert torch.autograd.gradcheck(linear_scan, (a.requires_grad_(), x.requires_grad_()))
