"""The joint loss: flow matching on some rows of a batch, the masked path on the others, durations on all.

The masked path is trained by the diffusion loss and by the mel regression. The losses are given as sums, so
that gradients of several batches or processes add up exactly.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from nanospeech_core.audio.mel import HOP, SAMPLE_RATE

from ...models.duration import PhoneDurationPredictor
from ...nanospeech import Nanospeech
from ...sampling import flow
from ..config import LossConfig
from .masking import Draws, JointBatch, Noises, draw_noises

ONE = slice(None), None  # index that makes of tokens [n, channels] utterances of one token


class JointLoss(nn.Module):
    """The loss as a module, so that it is what DistributedDataParallel wraps."""

    def __init__(self, model: Nanospeech, config: LossConfig):
        super().__init__()
        self.model, self.config = model, config

    def forward(
        self, work: JointBatch, weights: dict[str, float], noises: Noises | None = None
    ) -> dict[str, Tensor]:
        """The sums that, divided by `work.counts`, are the losses.

        Args:
            work: on the model's device.
            weights: of each loss; one of weight 0 is left out.
            noises: None: from the batch's seed.
        """
        noises = noises or draw_noises(work, self.model, self.config)
        sums = {}
        if any(weights[name] for name in ("flow", "regression", "head")):
            sums = self.acoustic(work, weights, noises)
        if self.model.duration_predictor is not None and weights["duration"]:
            sums["duration"] = duration_loss(self.model, work)
        return sums

    def acoustic(self, work: JointBatch, weights: dict[str, float], noises: Noises) -> dict[str, Tensor]:
        """Both paths' losses, from one transformer pass."""
        model, config, batch, draws = self.model, self.config, work.batch, work.draws
        tokens, transformer = batch.tokens, model.transformer
        noised = flow.interpolate(tokens, noises.flow, draws.time)
        x = torch.where(draws.is_flow[:, None, None], noised, 0.0)  # the masked path has no noised input
        # what is visible when speaking was generated, so it is never quite right
        spoiled = tokens + config.visible_noise * noises.visible_scale.abs() * noises.visible
        modulations = transformer.modulations(draws.time)
        text_embed = transformer.embed_text(batch.text, tokens.shape[1], draws.drop, batch.mask)
        if config.draft and model.to_mel is not None:
            own = self.draft(work, spoiled, text_embed, modulations)
            generated = draws.visible & ~draws.given
            far = config.draft * noises.draft * generated[..., None]
            spoiled = spoiled + far * (own - tokens)
        cond = torch.where(draws.visible[..., None], spoiled, 0.0)
        z = transformer.hidden(x, cond, draws.visible, text_embed, modulations, batch.mask)
        blind = None
        if config.guidance:  # the states that guidance would subtract
            with torch.no_grad():
                text_embed = transformer.embed_text(
                    batch.text, tokens.shape[1], torch.ones_like(draws.drop), batch.mask
                )
                nothing = torch.zeros_like(cond), torch.zeros_like(draws.visible)
                blind = transformer.hidden(x, *nothing, text_embed, modulations, batch.mask)

        sums = {}
        if weights["flow"]:
            blind_rows = None if blind is None else blind.flatten(0, 1)
            sums["flow"] = self.flow(draws, tokens, noises, z.flatten(0, 1), blind_rows)
        if model.diffusion_module is not None and (weights["regression"] or weights["head"]):
            sums |= self.masked(work, weights, noises, z, blind, cond)
        return sums

    @torch.no_grad()
    def draft(self, work: JointBatch, spoiled: Tensor, text_embed: Tensor, modulations: list) -> Tensor:
        """The mel regression [batch, tokens, channels] of a masked path that sees only what was given."""
        given, transformer = work.draws.given, self.model.transformer
        cond = torch.where(given[..., None], spoiled, 0.0)
        nothing = torch.zeros_like(cond)
        z = transformer.hidden(nothing, cond, given, text_embed, modulations, work.batch.mask)
        mel = self.model.to_mel(z).float()
        torch.clear_autocast_cache()  # of casts without gradients: PyTorch before 2.10 goes on with them
        return mel

    def masked(
        self,
        work: JointBatch,
        weights: dict[str, float],
        noises: Noises,
        z: Tensor,
        blind: Tensor | None,
        cond: Tensor,
    ) -> dict[str, Tensor]:
        """The mel regression and the diffusion loss of the masked path's targets; cond: what is visible."""
        model, head, batch, sums = self.model, self.model.diffusion_module, work.batch, {}

        def rows(tokens: Tensor) -> Tensor:
            return tokens.flatten(0, 1)[work.draws.masked_targets]

        def told(states: Tensor, visible: Tensor) -> Tensor:
            if head.context is None:
                return rows(states)
            mel = None
            if model.to_mel is not None:
                mel = torch.where(visible[..., None], cond, model.to_mel(states).float())
            return rows(head.add_context(states, mel, batch.mask))

        clean = rows(batch.tokens)
        if model.to_mel is not None:
            base = model.to_mel(rows(z)).float()
            if weights["regression"]:
                sums["regression"] = (base - clean).abs().mean(-1).sum()
            clean = (clean - base.detach()) / model.config.residual_std
        if not weights["head"]:
            return sums
        shift = None
        if blind is not None:
            with torch.no_grad():
                shift = torch.zeros_like(clean)
                if model.to_mel is not None:
                    shift = (base - model.to_mel(rows(blind)).float()) / model.config.residual_std
                blind = told(blind, torch.zeros_like(work.draws.visible))
            torch.clear_autocast_cache()
        sums["head"] = self.head(told(z, work.draws.visible), clean, blind, shift, noises)
        return sums

    def flow(self, draws: Draws, tokens: Tensor, noises: Noises, z: Tensor, blind: Tensor | None) -> Tensor:
        """Flow matching, with model guidance: the target moves by w (conditional - unconditional)."""
        model, picked = self.model, draws.flow_targets
        prediction = model.transformer.proj_out(z[picked]).float()
        clean, noise = tokens.flatten(0, 1)[picked], noises.flow.flatten(0, 1)[picked]
        if blind is not None:
            with torch.no_grad():
                shift = prediction - model.transformer.proj_out(blind[picked]).float()
            dropped = draws.drop.repeat_interleave(tokens.shape[1])[picked]
            # a velocity's target moves as its clean token does: both are linear in it
            clean = clean + self.config.guidance * torch.where(dropped[:, None], 0.0, shift)
        time = draws.time.repeat_interleave(tokens.shape[1])[picked]
        return flow.loss(prediction[ONE], clean[ONE], noise[ONE], time, model.config.predict).sum()

    def head(
        self, z: Tensor, clean: Tensor, blind: Tensor | None, shift: Tensor | None, noises: Noises
    ) -> Tensor:
        """The diffusion loss of tokens [m, channels], each under `draws` noises.

        With model guidance the target moves as in `flow`, by what the sampler guides: the token, so the mel
        regression's part of it too, `shift` [m, channels]. ("ddpm" heads are not guided.)
        """
        draws, head = self.config.draws, self.model.diffusion_module
        time, noise = noises.head_time, noises.head
        z, clean = z.repeat(draws, 1), clean.repeat(draws, 1)
        if blind is None or head.objective != "flow":
            return head.loss(clean, z, time, noise)["loss"].sum()
        blind, shift = blind.repeat(draws, 1), shift.repeat(draws, 1)
        x = flow.interpolate(clean[ONE], noise[ONE], time)[:, 0]
        prediction = head.net(x, 1000 * time, z).float()
        with torch.no_grad():
            shift = shift + prediction - head.net(x, 1000 * time, blind).float()
        clean = clean + self.config.guidance * shift
        return flow.loss(prediction[ONE], clean[ONE], noise[ONE], time, "clean").sum()


def duration_loss(model: Nanospeech, work: JointBatch) -> Tensor:
    """Smooth L1 of log(1 + frames) over the hidden symbols, or ("filler") of log(1 + seconds) over
    utterances.
    """
    batch, draws = work.batch, work.draws
    if isinstance(model.duration_predictor, PhoneDurationPredictor):
        prediction = model.duration_predictor(batch.ids, batch.frames, draws.known, batch.ids >= 0).float()
        wanted = torch.log1p(batch.frames)
    else:
        bins = model.transformer.mel_dim
        mel = batch.tokens.reshape(len(batch.tokens), -1, bins)
        seconds = batch.mask.sum(1) * model.transformer.patch * HOP / SAMPLE_RATE
        prediction = torch.log1p(model.duration_predictor(mel, batch.text, draws.known).float())[:, None]
        wanted = torch.log1p(seconds.float())[:, None]
    error = F.smooth_l1_loss(prediction, wanted, reduction="none", beta=0.1)
    return (error * draws.hidden).sum()
