"""Odd rates that people called normal, as the rates of a version learn them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

from deeplog_ops.db.feedback_findings import KeptRate
from deeplog_ops.models.part import ModelPart
from deeplog_ops.models.rate_baseline import RateBaseline
from deeplog_ops.models.rate_bins import DayBins
from deeplog_ops.models.rate_vouched import Vouched

Resolve = Callable[[str], str]


def learnt_rates(part: ModelPart) -> set[str]:
    """The anomalies that the part "rates" of a version learnt to be normal."""
    return {each.anomaly_id for each in RateBaseline.restore(part).vouched}


def with_normal_rates(part: ModelPart, said: Sequence[KeptRate], zone: str, resolve: Resolve) -> ModelPart:
    """The part "rates" that lets pass these besides what it let pass before. Thresholds stay."""
    baseline = RateBaseline.restore(part)
    known = {each.anomaly_id: each for each in baseline.vouched}
    known |= {each.anomaly_id: vouched(each, baseline, zone, resolve) for each in said}
    return replace(baseline, vouched=tuple(known[name] for name in sorted(known))).to_part()


def contradicted(part: ModelPart, real: Sequence[KeptRate], zone: str, resolve: Resolve) -> list[KeptRate]:
    """Of what people called real, what the part would let pass."""
    baseline = RateBaseline.restore(part)
    return [
        each
        for each in real
        if any(some.covers(vouched(each, baseline, zone, resolve)) for some in baseline.vouched)
    ]


def vouched(said: KeptRate, baseline: RateBaseline, zone: str, resolve: Resolve) -> Vouched:
    """Counts at the places on the clock of the version. What is not known bin by bin is spread evenly."""
    bins = DayBins.of(said.day, zone, baseline.width)
    places = [
        place
        for place, (start, end) in enumerate(zip(bins.starts, bins.ends, strict=True))
        if start < said.end and said.begin < end
    ]
    counts = [float(count) for count in said.counts]
    if len(counts) != len(places):
        counts = [said.events / len(places)] * len(places)
    of_slot: dict[int, float] = {}
    for place, count in zip(places, counts, strict=True):
        slot = bins.slots[place]
        of_slot[slot] = (max if said.rising else min)(count, of_slot.get(slot, count))
    return Vouched(
        said.anomaly_id, resolve(said.template_id), said.rising, tuple(of_slot), tuple(of_slot.values())
    )
