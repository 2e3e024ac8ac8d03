"""Lineage: an output that nobody reads, or an input that nobody wrote, is found in the table and in the run."""

from dataclasses import replace

from engine.pipeline.artifacts import ENGINE, SCORER, EngineConfig, ScorerConfig
from engine.pipeline.lineage import CONTRACTS, FLOWS, check_flows, unread


def test_every_output_of_the_pipeline_is_read_or_final():
    assert check_flows() == []


def test_an_output_nobody_reads_is_named():
    flows = {**FLOWS, "4": replace(FLOWS["4"], writes=(ENGINE, "extra.json"))}
    assert check_flows(flows) == ["step 4 writes extra.json, no later step reads it"]


def test_an_input_nobody_wrote_is_named():
    flows = {**FLOWS, "2.5": replace(FLOWS["2.5"], writes=())}
    assert check_flows(flows) == [f"step 3 reads {SCORER}, no earlier step writes it"]


def test_a_field_that_no_reader_looked_at_is_named():
    seen = ScorerConfig.inputs() - {"clip"}
    assert [finding.text for finding in unread({SCORER: seen})] == [f"{SCORER}: no later step read clip"]
    assert unread({SCORER: ScorerConfig.inputs()}) == []


def test_a_contract_notes_which_fields_were_looked_at():
    looked: set[str] = set()
    data = {"history": "h", "features": "f", "models": {}, "tried": {}, "draws": 3}
    made = EngineConfig.parse(data, "test", looked)
    assert looked == set()
    _ = made.models
    assert looked == {"models"}


def test_every_contract_has_a_schema_version():
    assert all("/" in contract.schema_name() for contract in CONTRACTS.values())
