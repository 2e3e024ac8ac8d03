"""Scripts that run on a rig: standard library only, pushed as files over SSH, never imported by the engine."""
