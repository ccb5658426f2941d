"""The demo: a fabricated town, the three commands on it, and a picture of what came out."""

from geoloc.demo.job import Demo, DemoOptions, DemoSummary, Step, run_demo

__all__ = ["Demo", "DemoOptions", "DemoSummary", "Step", "run_demo"]
