"""Arrays that depend on weights only are computed once, and again when a weight is replaced."""

import pytest

mx = pytest.importorskip("mlx.core")
nn = pytest.importorskip("mlx.nn")


def test_a_value_is_kept_until_a_weight_is_replaced():
    from nanospeech_mlx.device.constants import KEPT, Constants

    layer, calls, constants = nn.Linear(2, 3), [], Constants()

    def compute():
        calls.append(1)
        return [layer(mx.ones(2))]

    (first,) = constants.get("a", [layer], compute)
    assert constants.get("a", [layer], compute)[0] is first and len(calls) == 1
    layer.weight = 2 * layer.weight
    (second,) = constants.get("a", [layer], compute)
    assert len(calls) == 2 and not mx.array_equal(first, second)
    for number in range(KEPT):
        constants.get(number, [layer], compute)
    assert len(constants._values) == KEPT and "a" not in constants._values


def test_nothing_is_kept_of_a_function_that_is_being_compiled():
    from nanospeech_mlx.device.constants import Constants

    layer, constants = nn.Linear(2, 3), Constants()

    def function(x):
        return constants.get("a", [layer], lambda: [layer(x)])[0]

    assert mx.allclose(mx.compile(function, inputs=[layer.state])(mx.ones(2)), layer(mx.ones(2)))
    assert not constants._values
