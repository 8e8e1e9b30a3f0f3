"""DTC-WSI: dynamic token compression in stages (docs/explanation/dtc-wsi.md)."""
