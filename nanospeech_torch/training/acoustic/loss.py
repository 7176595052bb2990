"""The joint loss: flow matching on some rows of a batch, the masked path on the others, durations on all.

Its terms: `flow` (flow matching); `head` (the diffusion loss) and `regression` (of the mel) train the masked
path; `duration`. The losses are returned as sums, so that the
gradients of several batches or processes add up exactly.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from nanospeech_core.audio.mel import HOP, SAMPLE_RATE

from ...models.diffloss import DiffLoss
from ...models.duration import PhoneDurationPredictor
from ...nanospeech import Nanospeech
from ...sampling import flow
from .batch import JointBatch
from .config import AcousticLossConfig
from .masking import Masks
from .noise import Noise, draw_noise

ONE = slice(None), None  # an index: tokens [n, channels] -> utterances of one token [n, 1, channels]


class JointLoss(nn.Module):
    """The losses as a module, so that DistributedDataParallel can wrap it."""

    def __init__(self, model: Nanospeech, config: AcousticLossConfig) -> None:
        super().__init__()
        self.model, self.config = model, config

    def forward(
        self, joint: JointBatch, weights: dict[str, float], noise: Noise | None = None
    ) -> dict[str, Tensor]:
        """The sums that, divided by `joint.counts`, are the losses.

        Args:
            joint: on the model's device.
            weights: of each loss; a loss of weight 0 is left out.
            noise: None: from the batch's seed.
        """
        noise = noise or draw_noise(joint, self.model, self.config)
        sums = {}
        if any(weights[name] for name in ("flow", "regression", "head")):
            sums = self.acoustic_losses(joint, weights, noise)
        if self.model.duration_predictor is not None and weights["duration"]:
            sums["duration"] = duration_loss(self.model, joint)
        return sums

    def acoustic_losses(
        self, joint: JointBatch, weights: dict[str, float], noise: Noise
    ) -> dict[str, Tensor]:
        """The losses of both paths, from one transformer pass."""
        model, config, batch, masks = self.model, self.config, joint.batch, joint.masks
        tokens, transformer = batch.tokens, model.transformer
        noised = flow.interpolate(tokens, noise.flow, masks.flow_time)
        x = torch.where(masks.is_flow[:, None, None], noised, 0.0)  # the masked path has no noised input
        # visible tokens are noisy here, because in generation they are never quite right
        noisy = tokens + config.visible_noise * noise.visible_scale.abs() * noise.visible
        modulations = transformer.modulations(masks.flow_time)
        text_embed = transformer.embed_text(batch.text, tokens.shape[1], masks.unconditional, batch.mask)
        if config.draft and model.to_mel is not None:
            estimate = self.estimate(joint, model.to_mel, noisy, text_embed, modulations)
            generated = masks.visible & ~masks.span
            share = config.draft * noise.estimate_share * generated[..., None]
            noisy = noisy + share * (estimate - tokens)
        cond = torch.where(masks.visible[..., None], noisy, 0.0)
        z = transformer.hidden(x, cond, masks.visible, text_embed, modulations, batch.mask)
        unconditional_z = None
        if config.guidance:  # the hidden states that guidance subtracts
            with torch.no_grad():
                text_embed = transformer.embed_text(
                    batch.text, tokens.shape[1], torch.ones_like(masks.unconditional), batch.mask
                )
                nothing = torch.zeros_like(cond), torch.zeros_like(masks.visible)
                unconditional_z = transformer.hidden(x, *nothing, text_embed, modulations, batch.mask)

        sums = {}
        if weights["flow"]:
            flat = None if unconditional_z is None else unconditional_z.flatten(0, 1)
            sums["flow"] = self.flow_loss(masks, tokens, noise, z.flatten(0, 1), flat)
        if model.diffusion_module is not None and (weights["regression"] or weights["head"]):
            sums |= self.masked_losses(
                joint, model.diffusion_module, weights, noise, z, unconditional_z, cond
            )
        return sums

    @torch.no_grad()
    def estimate(
        self, joint: JointBatch, to_mel: nn.Module, noisy: Tensor, text_embed: Tensor, modulations: list
    ) -> Tensor:
        """The mel regression [batch, tokens, channels] of the masked path when only the span is visible."""
        span, transformer = joint.masks.span, self.model.transformer
        cond = torch.where(span[..., None], noisy, 0.0)
        nothing = torch.zeros_like(cond)
        z = transformer.hidden(nothing, cond, span, text_embed, modulations, joint.batch.mask)
        mel = to_mel(z).float()
        torch.clear_autocast_cache()  # casts without gradients, which PyTorch before 2.10 would use again
        return mel

    def flow_loss(
        self, masks: Masks, tokens: Tensor, noise: Noise, z: Tensor, unconditional_z: Tensor | None
    ) -> Tensor:
        """Flow matching, with model guidance: the target moves by w (conditional - unconditional).

        z, unconditional_z: [batch x tokens, channels].
        """
        model, targets = self.model, masks.flow_targets
        prediction = model.transformer.proj_out(z[targets]).float()
        clean, start = tokens.flatten(0, 1)[targets], noise.flow.flatten(0, 1)[targets]
        if unconditional_z is not None:
            with torch.no_grad():
                shift = prediction - model.transformer.proj_out(unconditional_z[targets]).float()
            unconditional = masks.unconditional.repeat_interleave(tokens.shape[1])[targets]
            # a velocity's target moves as its clean token does: both are linear in it
            clean = clean + self.config.guidance * torch.where(unconditional[:, None], 0.0, shift)
        time = masks.flow_time.repeat_interleave(tokens.shape[1])[targets]
        return flow.loss(prediction[ONE], clean[ONE], start[ONE], time, model.config.predict).sum()

    def masked_losses(
        self,
        joint: JointBatch,
        head: DiffLoss,
        weights: dict[str, float],
        noise: Noise,
        z: Tensor,
        unconditional_z: Tensor | None,
        cond: Tensor,
    ) -> dict[str, Tensor]:
        """The mel regression and the diffusion loss of the masked path's targets.

        z, unconditional_z: [batch, tokens, channels]; cond: [batch, tokens, channels], the visible tokens.
        """
        batch, masks = joint.batch, joint.masks
        to_mel, residual_std = self.model.to_mel, self.model.config.residual_std
        sums = {}

        def targets(tokens: Tensor) -> Tensor:
            return tokens.flatten(0, 1)[masks.masked_targets]

        def head_conditioning(states: Tensor, visible: Tensor) -> Tensor:
            if head.context is None:
                return targets(states)
            mel = None
            if to_mel is not None:
                mel = torch.where(visible[..., None], cond, to_mel(states).float())
            return targets(head.add_context(states, mel, batch.mask))

        clean = targets(batch.tokens)
        if to_mel is not None:
            estimate = to_mel(targets(z)).float()
            if weights["regression"]:
                sums["regression"] = (estimate - clean).abs().mean(-1).sum()
            clean = (clean - estimate.detach()) / residual_std
        if not weights["head"]:
            return sums
        unconditional = None
        if unconditional_z is not None:
            with torch.no_grad():
                shift = torch.zeros_like(clean)
                if to_mel is not None:
                    shift = (estimate - to_mel(targets(unconditional_z)).float()) / residual_std
                unconditional = head_conditioning(unconditional_z, torch.zeros_like(masks.visible)), shift
            torch.clear_autocast_cache()
        conditioning = head_conditioning(z, masks.visible)
        sums["head"] = self.head_loss(head, conditioning, clean, unconditional, noise)
        return sums

    def head_loss(
        self,
        head: DiffLoss,
        conditioning: Tensor,
        clean: Tensor,
        unconditional: tuple[Tensor, Tensor] | None,
        noise: Noise,
    ) -> Tensor:
        """The diffusion loss of tokens, each under `draws` noises.

        With model guidance the target moves as in `flow_loss`. In sampling, guidance moves the token, which
        includes the mel regression. ("ddpm" heads have no model guidance.)

        Args:
            head: the diffusion head.
            conditioning: [m, channels].
            clean: [m, channels], the tokens, or their residuals from the mel regression.
            unconditional: the head's unconditional conditioning, and by how much the conditional mel
                regression differs from the unconditional one; [m, channels] both.
            noise: of the batch.
        """
        draws, time, start = self.config.draws, noise.head_time, noise.head
        conditioning, clean = conditioning.repeat(draws, 1), clean.repeat(draws, 1)
        if unconditional is None or head.objective != "flow":
            return head.loss(clean, conditioning, time, start)["loss"].sum()
        without, shift = (part.repeat(draws, 1) for part in unconditional)
        x = flow.interpolate(clean[ONE], start[ONE], time)[:, 0]
        prediction = head.net(x, 1000 * time, conditioning).float()
        with torch.no_grad():
            shift = shift + prediction - head.net(x, 1000 * time, without).float()
        clean = clean + self.config.guidance * shift
        return flow.loss(prediction[ONE], clean[ONE], start[ONE], time, "clean").sum()


def duration_loss(model: Nanospeech, joint: JointBatch) -> Tensor:
    """Smooth L1 of log(1 + frames), summed over the target symbols; "filler": of log(1 + seconds), summed
    over the utterances.
    """
    batch, masks, predictor = joint.batch, joint.masks, model.duration_predictor
    assert predictor is not None
    if isinstance(predictor, PhoneDurationPredictor):
        prediction = predictor(batch.ids, batch.durations, masks.known_durations, batch.ids >= 0).float()
        target = torch.log1p(batch.durations)
    else:
        bins = model.transformer.mel_dim
        mel = batch.tokens.reshape(len(batch.tokens), -1, bins)
        seconds = batch.mask.sum(1) * model.transformer.patch * HOP / SAMPLE_RATE
        prediction = torch.log1p(predictor(mel, batch.text, masks.known_durations).float())[:, None]
        target = torch.log1p(seconds.float())[:, None]
    error = F.smooth_l1_loss(prediction, target, reduction="none", beta=0.1)
    return (error * masks.duration_targets).sum()
