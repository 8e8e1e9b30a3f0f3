"""From tiles to features: a registry and one small module a family of encoders."""
