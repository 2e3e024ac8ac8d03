"""Blocks: time runs one way, an embargo lies before every target, the final block is last."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.pipeline.blocks import TooFewDraws, lay_out


@settings(deadline=None)  # a loaded machine is no failure
@given(
    draws=st.integers(30, 2000),
    share=st.floats(0.1, 0.6),
    dev=st.integers(3, 12),
    embargo=st.integers(1, 3),
)
def test_no_feature_reads_a_draw_that_a_target_at_or_after_it_scores(draws, share, dev, embargo):
    searched = int(draws * share)
    try:
        blocks = lay_out(draws, searched, dev=dev, embargo=embargo)
    except TooFewDraws:
        return
    assert blocks.final.end == draws == blocks.now
    assert blocks.dev[0].reads >= searched
    for before, after in zip(blocks.all, blocks.all[1:], strict=False):
        assert before.end <= after.reads < after.cut < after.end
    assert all(block.cut - block.reads == embargo for block in blocks.all)


def test_training_blocks_end_before_the_validated_features_do():
    blocks = lay_out(200, 100, dev=5, embargo=2)
    for validated in blocks.outer:
        assert blocks.trains(validated) == list(range(validated))
        assert all(blocks.dev[at].end <= blocks.dev[validated].reads for at in blocks.trains(validated))


def test_the_last_development_block_is_not_shown_to_the_inner_validation():
    blocks = lay_out(200, 100, dev=5, embargo=1)
    assert max(blocks.inner) == len(blocks.dev) - 2
    assert max(blocks.outer) == len(blocks.dev) - 1


def test_few_draws_give_fewer_blocks_and_too_few_say_how_many_are_needed():
    assert len(lay_out(40, 30, dev=8, embargo=1).dev) == 3
    with pytest.raises(TooFewDraws, match="needs 38"):
        lay_out(37, 30, dev=4, embargo=1)
