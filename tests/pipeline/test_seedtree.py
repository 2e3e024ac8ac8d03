"""The seed tree: names decide, order does not."""

from engine.pipeline.seedtree import SeedTree


def test_a_leaf_depends_on_its_path_and_the_root_alone():
    tree = SeedTree(7)
    first = tree.child("step1").integer("sampler")
    tree.child("step1").integer("other")
    assert tree.child("step1").integer("sampler") == first
    assert {first, tree.integer("sampler"), SeedTree(8).child("step1").integer("sampler")}.__len__() == 3


def test_integers_fit_a_signed_c_int():
    assert all(0 <= SeedTree(3).integer(f"leaf {at}") < 2**31 for at in range(200))


def test_generators_of_one_name_agree():
    assert SeedTree(1).rng("a").integers(1 << 40) == SeedTree(1).rng("a").integers(1 << 40)
