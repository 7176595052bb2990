"""Refinement: which tokens of an ODE's draft the masked path draws anew, and what it is shown of the draft.

Re-masking the least certain tokens of a draft is Mask-Predict's idea (arXiv 1904.09324). Here the draft is
the flow path's, whose certainty is read off its own trajectory, without a further pass.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ..errors import UserError
from .prompt import Prompt


def disagreement(states: Sequence[np.ndarray], times: Sequence[float]) -> np.ndarray:
    """How far the draft of each token is from what the ODE promised on its way: float [tokens].

    A straight path would lead from interval k to x_k + (1 - t_k) (x_(k+1) - x_k) / (t_(k+1) - t_k), which in
    Euler's method is the clean token that the network predicts at t_k. Its distance from the last state (root
    mean square over channels) is averaged over all intervals but the last. Against recordings of 24 sentences
    (embedded model, 8 steps) its rank correlation with a token's true error is 0.47; that of the last promise
    alone is 0.35. (The distance from the mel regression has 0.55, for one more pass.)

    Args:
        states: [tokens, channels] at each time, the noise first.
        times: of the states, rising from 0 to 1.
    Raises:
        UserError: there is one interval only, which has nothing to disagree with.
    """
    if len(times) < 3:
        raise UserError("--refine-order worst needs at least 2 --steps; random does with 1")
    distances = []
    for k in range(len(times) - 2):
        velocity = (states[k + 1] - states[k]) / (times[k + 1] - times[k])
        promised = states[k] + (1 - times[k]) * velocity
        distances.append(np.sqrt(np.square(states[-1] - promised).mean(axis=-1)))
    return np.mean(distances, axis=0)


def remask(
    prompt: Prompt, states: Sequence[np.ndarray], times: Sequence[float], share: float, order: str, seed: int
) -> Prompt:
    """The prompt of the masked path: all that the draft's was, and the tokens of the draft that are kept.

    Args:
        prompt: of the draft.
        states: float32 [tokens, channels] at each of `times`, the noise first; the last is the draft.
        times: of `ode_times`.
        share: of the drafted tokens, which are drawn anew: 0 none (rounded), 1 all.
        order: "worst": those of the largest `disagreement`; "random".
        seed: of the random choice.
    Raises:
        UserError: "worst" of a draft of a single step.
    """
    drafted = np.flatnonzero(~prompt.visible)
    count = round(share * len(drafted))
    if order == "random":
        again = np.random.default_rng([seed, 3]).permutation(drafted)[:count]
    else:
        again = drafted[np.argsort(-disagreement(states, times)[drafted], kind="stable")[:count]]
    visible = np.ones_like(prompt.visible)
    visible[again] = False
    kept = visible & ~prompt.visible
    return Prompt(np.where(kept[:, None], states[-1], prompt.cond), visible, prompt.text)
