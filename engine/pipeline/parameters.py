"""The numbers that a run of the pipeline may be told, each with its bounds; an unknown key is an error."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from engine.errors import UsageError


class PipelineParameters(BaseModel):
    """Small defaults: seconds on two cores. Each field is read by the step that its comment names."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    # blocks: every step
    search_share: float = Field(default=0.5, ge=0.1, le=0.9)  # of the history that step 1 may select on
    dev_blocks: int = Field(default=4, ge=3, le=32)
    embargo: int = Field(default=1, ge=1, le=64)  # draws between what features read and what targets score
    # studies: steps 1 and 2.5
    deterministic: bool = Field(
        default=True,
        description="trials go in fixed batches, told in trial order; else each is told as it ends",
    )
    # step 1
    window_trials: int = Field(default=16, ge=1, le=4096)
    window_batch: int = Field(default=4, ge=1, le=64)
    window_seeds: int = Field(default=1 << 16, ge=1, le=1 << 32)  # of the asked interval, sieved by one trial
    window_rungs: int = Field(
        default=2, ge=1, le=4
    )  # a trial's evidence is looked at so often; the weak are pruned
    max_survivors: int = Field(default=512, ge=1, le=1 << 20)
    # step 2.5
    scorer_trials: int = Field(default=16, ge=1, le=4096)
    scorer_batch: int = Field(default=4, ge=1, le=64)
    twins: int = Field(default=24, ge=4, le=4096)
    twin_decoys: int = Field(default=24, ge=4, le=4096)
    # step 3
    min_candidates: int = Field(default=48, ge=8, le=1 << 20)  # fewer survivors are complemented with decoys
    feature_rows: int = Field(default=256, ge=8, le=1 << 16)  # survivors per task
    # step 4
    rungs: int = Field(default=3, ge=1, le=3)  # capacities that a family may climb
    # step 5
    permutations: int = Field(default=999, ge=999, le=1 << 20)
    decoy_histories: int = Field(default=3, ge=1, le=64)
    signal_p: float = Field(
        default=0.01, gt=0.0, le=0.05, description="p-value below which a signal is claimed"
    )
    confidence: float = Field(default=0.95, ge=0.8, le=0.9999, description="of every interval")
    save_all_models: bool = Field(default=False, description="keep the models of all families")
    # step 6
    heads: int = Field(default=20, ge=1, le=100_000)  # values that the pool names one by one

    def of(self, step: str) -> dict[str, Any]:
        """Return what one step depends on, for its lineage."""
        return {name: getattr(self, name) for name in (*USED_BY["all"], *USED_BY[step])}

    @classmethod
    def read(cls, values: Mapping[str, Any]) -> PipelineParameters:
        """Check a mapping; raise UsageError that names the key and its rule."""
        try:
            return cls.model_validate(dict(values))
        except ValidationError as error:
            first = error.errors()[0]
            key = ".".join(map(str, first["loc"]))
            raise UsageError(f"pipeline parameter {key} = {first['input']!r}: {first['msg']}") from None


USED_BY: Mapping[str, tuple[str, ...]] = {
    "all": ("search_share", "dev_blocks", "embargo", "deterministic"),
    "1": ("window_trials", "window_batch", "window_seeds", "window_rungs", "max_survivors"),
    "2.5": ("scorer_trials", "scorer_batch", "twins", "twin_decoys"),
    "3": ("min_candidates", "feature_rows"),
    "4": ("rungs",),
    "5": ("permutations", "decoy_histories", "signal_p", "confidence", "save_all_models"),
    "6": ("heads",),
}
