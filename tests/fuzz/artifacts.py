"""What steps hand to each other as JSON: every contract, its file in the store with its lineage, pools, candidates, a run's order."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from dataclasses import asdict
from functools import partial

from pydantic import ValidationError

from engine.analyze import Order
from engine.history.injector import TRUTH, Injector
from engine.llm.cost import FILE_NAME, Capped, Guard
from engine.pipeline.artifacts import Contract, EngineConfig, ModelMeta, Pool, ScorerConfig, WindowConfig
from engine.pipeline.pool import seal
from engine.run_report.facts import _analysis, _written
from engine.runs import SPEC
from engine.scenarios.source import ScenarioSource
from engine.search.space import Space
from engine.selfplay.candidate import Candidate
from state.artifacts import LINEAGE_SCHEMA, ArtifactStore, Provenance
from tests.fuzz import scratch
from tests.fuzz.target import Reader, Target

ALIGNED = (
    '{"family":"lcg48/java","mapping":"mod","range":[0,9],"origin":{"kind":"seed","bits":48,"value":"0x7"}}'
)
POOL = (
    '{"schema":"prediction_pool/1","history":"h","for_draw":61,"session":null,"range":[0,9],"basis":"evidence","uniform":false,'
    '"heads":[[4,0.5]],"rest":0.0555,"components":[{"alignment":'
    + ALIGNED
    + ',"position":3,"predicted":4,"weight":0.5,"rate":0.9,'
    '"matched":3,"scored":4}],"model":"m","sha256":"x","pools":[{"size":1,"chance":0.1,"stated":0.5}]}'
).encode()
WINDOW = (
    b'{"schema":"optimal_window_config/1","history":"h","range":[0,9],"search":[0,40],"confirm":[40,60],"window":[0,40],'
    b'"identified":true,"required_bits":19.9,"origin":"analyze","session":null,"starts":[0,3],"gaps":[0,7],"threshold":20,'
    b'"objective":1.5,"trials":[{"number":1,"params":{"a":1},"value":2.5}]}'
)
SCORER = (
    b'{"schema":"optimal_scorer_config/1","history":"h","names":["a"],"centre":[0],"scale":[1],"weights":[1],"intercept":0,"clip":8,'
    b'"families":["f"],"penalty":1,"bits":1,"bits_by_chance":1,"reciprocal_rank":1}'
)
CANDIDATE = (
    b'{"schema":"candidate/1","policy":{"schema":"policy/1","filter":{"column":"a","side":"above","quantile":0.5},"weight":null,'
    b'"mask":{"columns":["b"]},"window":null},"model":"xgboost","fitness":1,"baseline":0,"null":0,"gains":[1],"episodes":1,'
    b'"exploration":0.1,"seed":1,"draws_seen":60,"table":"t","run":"r"}'
)
PLANT = b'{"plant": {"family": "lcg48/java", "mapping": "mod", "lo": 0, "hi": 9, "seed": 7}, "key": 12}'
SCENARIO = (
    b'{"name": "clean", "asked": {"draws": 12, "seed": 1, "range": [0, 9], "families": ["lcg48/java"]}}'
)


def document(contract: type[Contract], data: bytes) -> object:
    """Read a step's file of a run directory; what is taken is the same after its way through JSON."""
    made = _written(scratch.file("document.json", data), contract, {})
    assert made is not None
    again = contract.parse(json.loads(made.model_dump_json()), "again")
    assert again.model_dump_json() == made.model_dump_json(), (
        "a contract is not the same after its way through JSON"
    )
    return seal(made) if isinstance(made, Pool) else made.model_dump()


def pool(data: bytes) -> object:
    """Use a pool as the live loop does."""
    made = Pool.parse(json.loads(data), "pool")
    return made.probability(4), made.total(), seal(made)


def stored(data: bytes) -> object:
    """Read an artifact that is what its lineage says."""
    note = Provenance("x/1", hashlib.sha256(data).hexdigest(), "", len(data), {}, {}, "", None, "")
    scratch.file("a.json", data)
    scratch.file("a.json.lineage.json", json.dumps({"lineage": LINEAGE_SCHEMA, **asdict(note)}).encode())
    return ArtifactStore(scratch.folder()).read_json("a.json", schema="x/1")


def lineage(data: bytes) -> object:
    scratch.file("b.json", b"{}")
    scratch.file("b.json.lineage.json", data)
    store = ArtifactStore(scratch.folder())
    return store.read_json("b.json"), store.stale("b.json")


def order(data: bytes) -> object:
    made = Order.load(scratch.file(SPEC, data))
    again = Order.load(scratch.file(SPEC, json.dumps(made.dump()).encode()))
    assert again == made, "an order is not the same after its way through its file"
    return made


def analysis(data: bytes) -> object:
    return _analysis(scratch.file("analysis.json", data), {})


def truth(data: bytes) -> object:
    scratch.file(TRUTH, data)
    return Injector.open(scratch.folder()).prefix


def scenario(data: bytes) -> object:
    """Open a planted scenario; a mutant may ask for many draws, which costs time and is not a fault: those are left out."""
    try:
        asked = json.loads(data)["asked"]
        if any(isinstance(value, int) and value > 50 for value in asked.values()):
            return None
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        pass
    from engine.scenarios import source

    scratch.file(source.TRUTH, data)
    return ScenarioSource.open(scratch.folder()).left


def costs(data: bytes) -> object:
    from engine.config import ClaudeSettings

    scratch.file(FILE_NAME, data)
    return Guard(scratch.folder(), ClaudeSettings()).reserve(0.01)


ORDER = json.dumps(Order(("draws.csv",), Space(), {"column": None}, False, None).dump()).encode()
NOTE = json.dumps(
    {"lineage": LINEAGE_SCHEMA, **asdict(Provenance("x/1", hashlib.sha256(b"{}").hexdigest(), "", 2, {"a": "b"}, {}, "", None, ""))}
).encode()  # fmt: skip
CONTRACTS: tuple[tuple[type[Contract], bytes], ...] = (
    (WindowConfig, WINDOW), (ScorerConfig, SCORER), (Pool, POOL),
    (EngineConfig, b'{"history":"h","features":"f","models":{"xgboost":{"rounds":1}},"tried":{},"draws":3}'),
    (ModelMeta, b'{"history":"h","family":"xgboost","file":"best_model.ubj","model":"sha","features":"f","names":["a"]}'),
)  # fmt: skip
_documents: tuple[Callable[[bytes], object], ...] = tuple(
    partial(document, contract) for contract, _ in CONTRACTS
)
TARGET = Target(
    "artifacts",
    "JSON artifacts, their lineage, pools, candidates, orders, planted truths, the cost book",
    (
        *(
            Reader(contract.schema_name(), read, (seed,))
            for (contract, seed), read in zip(CONTRACTS, _documents, strict=True)
        ),
        Reader("pool in use", pool, (POOL,), (*Reader("", pool, ()).refuses, ValueError, RecursionError)),
        Reader("stored", stored, (b'{"a": [1, 2]}',)),
        Reader("lineage", lineage, (NOTE,)),
        Reader(
            "candidate", lambda data: Candidate.model_validate_json(data).id, (CANDIDATE,), (ValidationError,)
        ),
        Reader("order", order, (ORDER,)),
        Reader("analysis", analysis, (b'{"schema": "analysis/1"}',)),
        Reader("planted truth", truth, (PLANT,)),
        Reader("planted scenario", scenario, (SCENARIO,)),
        Reader(
            "cost book",
            costs,
            (
                b'{"schema": "llm_costs/1", "hour": [1.0], "day": 3, "usd_today": 0.1, "usd_total": 1, "calls_total": 2}',
            ),
            (Capped,),
        ),
    ),
)
