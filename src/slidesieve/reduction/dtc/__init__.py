"""DTC-WSI: dynamic token compression by merging and pruning in stages (see docs/dtc_wsi.md)."""
